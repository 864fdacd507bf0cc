"""Charts as SVG, drawn here: no script, nothing loaded, the same picture on a page and in a PDF."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import pygal
from markupsafe import Markup, escape
from pygal.style import Style

#: Dark on white, and told apart without colours: 4.5 to 1 and more against the page.
INK, FIRST, SECOND, FAINT = "#17324d", "#0066cc", "#b15000", "#d9dadb"
# It leaves an importer behind for plug-ins of its own that nobody has, of a kind that Python warns of.
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]

_FONT = "Titillium Web, DejaVu Sans, sans-serif"
_WIDTH = 680
#: Characters of a name beside a lying bar.
_LONGEST = 52

_STYLE = Style(
    background="white",
    plot_background="white",
    foreground=INK,
    foreground_strong=INK,
    foreground_subtle=INK,
    guide_stroke_color=FAINT,
    major_guide_stroke_color=FAINT,
    guide_stroke_dasharray="none",
    major_guide_stroke_dasharray="none",
    opacity="1",
    colors=(FIRST, SECOND, "#5d7083", "#008055"),
    font_family=_FONT,
    label_font_size=13,
    major_label_font_size=13,
    legend_font_size=13,
    value_font_size=12,
    value_label_font_size=12,
    value_colors=(INK, INK, INK, INK),
)


def bars(
    title: str, values: Mapping[str, float | None], *, unit: str = "", decimals: int = 0, height: int = 260
) -> Markup:
    """Upright bars, each with its value; a value of ``None`` has no bar."""
    return columns(
        title, list(values), {"": list(values.values())}, unit=unit, decimals=decimals, height=height
    )


def columns(
    title: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[float | None]],
    *,
    unit: str = "",
    decimals: int = 0,
    height: int = 260,
    stacked: bool = False,
    every: int = 1,
) -> Markup:
    """Upright bars of one or more series; of the labels below, ``every`` so many is written."""
    kind = pygal.StackedBar if stacked else pygal.Bar
    many = len(labels) * len(series) > 26
    chart = kind(
        **_common(height, legend=len(series) > 1),
        print_values=not many,
        print_values_position="top",
        value_formatter=lambda value: _written(value, unit, decimals),
        show_minor_x_labels=False,
        x_label_rotation=0,
        spacing=6,
    )
    chart.x_labels = list(labels)
    chart.x_labels_major = list(labels)[::every]
    for name, values in series.items():
        chart.add(name, list(values))
    return _drawn(chart, title)


def shares(title: str, values: Mapping[str, float]) -> Markup:
    """Lying bars of shares (0 to 1), the first one on top, each with its percentage."""
    chart = pygal.HorizontalBar(
        # It takes names for narrower than they are, and would cut off how they begin.
        **{**_common(60 + 32 * len(values), legend=False), "margin_left": 28},
        print_values=False,
        show_x_labels=False,
        show_x_guides=False,
    )
    # They are drawn from below. A number beside a short bar would be drawn across it.
    turned = list(values.items())[::-1]
    chart.x_labels = [f"{_shortened(name)}  {_written(share * 100, ' %', 1)}" for name, share in turned]
    chart.add("", [share * 100 for _, share in turned])
    return _drawn(chart, title)


def _common(height: int, *, legend: bool) -> dict[str, Any]:
    return {
        "style": _STYLE,
        "width": _WIDTH,
        "height": height,
        "explicit_size": True,
        "show_legend": legend,
        "legend_at_bottom": True,
        "legend_box_size": 12,
        "js": (),
        "disable_xml_declaration": True,
        "pretty_print": False,
        "margin": 8,
        "no_data_text": "Nessun dato",
        "range": None,
        "include_x_axis": True,
        "truncate_label": -1,
        # More lines than that are a grid, and their numbers stand on each other.
        "max_scale": 6,
        "rounded_bars": 0,
    }


def _drawn(chart: Any, title: str) -> Markup:
    """The SVG alone: no script, no address, a name for who does not see it."""
    svg: str = chart.render(is_unicode=True)
    svg = re.sub(r"<script.*?</script>|<!--.*?-->", "", svg, flags=re.DOTALL)
    # What moves with the pointer needs the script that is not there.
    svg = re.sub(r"<(desc|title)[^>]*>.*?</\1>|<(desc|title)[^>]*/>", "", svg, flags=re.DOTALL)
    name = escape(title)
    return Markup(  # noqa: S704 - pygal escapes what it draws
        re.sub(r"<svg ", f'<svg role="img" aria-label="{name}" ', svg, count=1)
    )


def _written(value: float | None, unit: str, decimals: int) -> str:
    if value is None:
        return ""
    return f"{value:,.{decimals}f}".replace(",", " ").replace(".", ",").replace(" ", ".") + unit


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1].rstrip(' ,(')}…"
