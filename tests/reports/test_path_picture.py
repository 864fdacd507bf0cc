"""The picture of the ways through the dialogs."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from reports.ivr_paths import Edge
from reports.path_picture import path_picture

SVG = "{http://www.w3.org/2000/svg}"
EDGES = [
    Edge("(start)", "welcome", 100),
    Edge("welcome", "main", 95),
    Edge("main", "information", 40),
    Edge("main", "(person)", 30),
    Edge("information", "main", 20),
    Edge("main", "main", 9),
    Edge("information", "(hung up)", 5),
]


def test_steps_forward_are_drawn_and_ends_stand_last() -> None:
    drawn = path_picture("Percorsi", EDGES, lambda node: "Menu <principale>" if node == "main" else node)
    root = ET.fromstring(drawn)  # noqa: S314  our own
    assert root.get("aria-label") == "Percorsi"
    # Back to the menu, and around in it, are no steps forward.
    assert len(root.findall(f"{SVG}path")) == 5
    left = {
        text.text: float(text.get("x", "0"))
        for text in root.findall(f"{SVG}text")
        if text.get("font-weight") == "600"
    }
    assert left["(start)"] < left["welcome"] < left["Menu <principale>"] < left["information"]
    assert left["(person)"] == left["(hung up)"] == max(left.values())
    # Everybody who came to a node is counted, also on the way back: 95 and 20 and 9.
    assert "124" in {text.text for text in root.findall(f"{SVG}text")}
    widths = sorted(float(path.get("stroke-width", "0")) for path in root.findall(f"{SVG}path"))
    assert widths[-1] > 2 * widths[0]


def test_nothing_is_drawn_of_nothing() -> None:
    assert path_picture("x", [], str) == ""
