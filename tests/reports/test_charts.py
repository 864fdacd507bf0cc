"""Charts are pictures and nothing else."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from reports.charts import bars, lines
from reports.pdf import pdf_of

SVG = "{http://www.w3.org/2000/svg}"


def test_a_bar_for_each_value() -> None:
    drawn = bars("Chiamate & attese", ["gen", "feb", "mar"], {"Offerte": [10, 20, None]})
    root = ET.fromstring(drawn)  # noqa: S314  our own
    assert root.tag == f"{SVG}svg"
    assert len([rect for rect in root.iter(f"{SVG}rect") if "rect" in rect.get("class", "")]) == 2
    assert {"gen", "feb", "mar", "Chiamate & attese"} <= {text.text for text in root.iter(f"{SVG}text")}


@pytest.mark.parametrize("draw", [bars, lines])
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
    assert lines("x", [str(n) for n in range(366)], {"a": [None] * 366}).startswith("<svg")


def test_a_chart_is_printed() -> None:
    assert pdf_of(bars("x", ["1"], {"a": [1]}), title="x", language="it").startswith(b"%PDF-")
