"""Charts are pictures and nothing else."""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ET

import pytest

from reports.charts import as_image, bars, columns, lines, lying, shares, spark
from reports.pdf import pdf_of

SVG = "{http://www.w3.org/2000/svg}"


def test_a_bar_for_each_value() -> None:
    drawn = columns("Chiamate & attese", ["gen", "feb", "mar"], {"Offerte": [10, 2000, None]})
    root = ET.fromstring(drawn)  # noqa: S314  our own
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == "Chiamate & attese"
    assert len([rect for rect in root.iter(f"{SVG}rect") if "rect" in rect.get("class", "")]) == 2
    texts = {text.text for text in root.iter(f"{SVG}text")}
    assert {"gen", "feb", "mar", "10", "2.000"} <= texts
    assert "2,000" in columns("x", ["1"], {"a": [2000]}, language="en")


@pytest.mark.parametrize("draw", [columns, lines])
def test_nothing_from_outside_and_no_script(draw: object) -> None:
    drawn = draw("x", ["1", "2"], {"a": [1, 2], "b": [None, 3]})  # type: ignore[operator]
    assert "<script" not in drawn
    root = ET.fromstring(drawn)  # noqa: S314  our own
    for element in root.iter():
        assert not [name for name in element.attrib if name.endswith(("href", "src"))]
        assert not [name for name in element.attrib if name.startswith("on")]
    assert "url(http" not in drawn
    assert "@import" not in drawn


def test_many_labels_and_no_values() -> None:
    drawn = lines("x", [str(n) for n in range(366)], {"a": [None] * 366}, language="en")
    assert drawn.startswith("<svg")
    assert "Nothing to show" in drawn


def test_of_many_labels_those_are_written_that_fit() -> None:
    root = ET.fromstring(columns("x", [f"d{n}" for n in range(366)], {"a": [1] * 366}))  # noqa: S314
    written = {text.text for text in root.iter(f"{SVG}text") if (text.text or "").startswith("d")}
    assert {"d0", "d29"} <= written
    assert len(written) <= 13


def test_lying_bars_say_their_values() -> None:
    assert "30,5 %" in shares("x", {"Certificati": 0.305})
    assert "1.200 s" in lying("x", {"Attesa": 1200}, unit=" s")


def test_a_spark_is_a_line_with_gaps_and_nothing_inline() -> None:
    drawn = spark([1, 2, None, 0, 4])
    assert drawn.count("<polyline") == 2
    assert "style" not in drawn
    assert spark([None, 3]) == ""


def test_a_chart_is_an_image_and_is_printed() -> None:
    drawn = bars("x", {"1": 1})
    head, _, data = as_image(drawn).partition(",")
    assert head == "data:image/svg+xml;base64"
    assert base64.b64decode(data).decode() == drawn
    assert pdf_of(drawn, title="x", language="it").startswith(b"%PDF-")
