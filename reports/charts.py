"""Charts as SVG, drawn on the server: no script, nothing loaded, the same picture on a page and in a PDF."""

from __future__ import annotations

import re
import sys
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

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
#: More labels than this below a chart run into each other.
_LABELS = 13

#: Values by the name of the series; ``None`` is a gap.
Series: TypeAlias = Mapping[str, Sequence[float | None]]

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
    title: str,
    values: Mapping[str, float | None],
    *,
    unit: str = "",
    decimals: int = 0,
    height: int = 260,
    language: str = "it",
) -> Markup:
    """Upright bars, each with its value; a value of ``None`` has no bar."""
    series = {"": list(values.values())}
    return columns(
        title, list(values), series, unit=unit, decimals=decimals, height=height, language=language
    )


def columns(
    title: str,
    labels: Sequence[str],
    series: Series,
    *,
    unit: str = "",
    decimals: int = 0,
    height: int = 260,
    stacked: bool = False,
    every: int | None = None,
    language: str = "it",
) -> Markup:
    """Upright bars of one or more series; of the labels below, ``every`` so many is written (what fits)."""
    kind = pygal.StackedBar if stacked else pygal.Bar
    many = len(labels) * len(series) > 26
    chart = kind(
        **_common(height, language, legend=len(series) > 1),
        print_values=not many,
        print_values_position="top",
        value_formatter=lambda value: _written(value, unit, decimals, language),
        show_minor_x_labels=False,
        x_label_rotation=0,
        spacing=6,
    )
    return _filled(chart, title, labels, series, every)


def lines(
    title: str,
    labels: Sequence[str],
    series: Series,
    *,
    unit: str = "",
    decimals: int = 0,
    height: int = 260,
    every: int | None = None,
    language: str = "it",
) -> Markup:
    """A line for each series, from nothing up; ``None`` interrupts it."""
    chart = pygal.Line(
        **{**_common(height, language, legend=len(series) > 1), "include_x_axis": True},
        value_formatter=lambda value: _written(value, unit, decimals, language),
        show_minor_x_labels=False,
        x_label_rotation=0,
        show_dots=len(labels) <= 62,
        dots_size=2.5,
        stroke_style={"width": 2.5},
    )
    return _filled(chart, title, labels, series, every)


def shares(title: str, values: Mapping[str, float], *, language: str = "it") -> Markup:
    """Lying bars of shares (0 to 1), the first one on top, each with its percentage."""
    percents = {name: share * 100 for name, share in values.items()}
    return lying(title, percents, unit=" %", decimals=1, language=language)


def lying(
    title: str, values: Mapping[str, float], *, unit: str = "", decimals: int = 0, language: str = "it"
) -> Markup:
    """Lying bars, the first one on top, each with its value beside its name."""
    chart = pygal.HorizontalBar(
        # It takes names for narrower than they are, and would cut off how they begin.
        **{**_common(60 + 32 * len(values), language, legend=False), "margin_left": 28},
        print_values=False,
        show_x_labels=False,
        show_x_guides=False,
    )
    # They are drawn from below. A number beside a short bar would be drawn across it.
    turned = list(values.items())[::-1]
    chart.x_labels = [
        f"{_shortened(name)}  {_written(value, unit, decimals, language)}" for name, value in turned
    ]
    chart.add("", [value for _, value in turned])
    return _drawn(chart, title)


def spark(values: Sequence[float | None]) -> Markup:
    """A small line beside a figure that says the same: it has no name and is left out by screen readers."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return Markup("")
    high, wide = max(known) or 1, 120 / (len(values) - 1)
    points = [
        None if value is None else f"{place * wide:.1f},{28 - 26 * value / high:.1f}"
        for place, value in enumerate(values)
    ]
    runs: list[list[str]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    drawn = "".join(f'<polyline points="{" ".join(run)}"/>' for run in runs if len(run) > 1)
    return Markup(  # noqa: S704 - numbers only
        '<svg class="spark" viewBox="0 0 120 30" preserveAspectRatio="none" aria-hidden="true" '
        f'focusable="false">{drawn}</svg>'
    )


def as_image(svg: str) -> str:
    """A chart as the address of an ``<img>``: pages allow no style inside, a picture has its own."""
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"


def _filled(chart: Any, title: str, labels: Sequence[str], series: Series, every: int | None) -> Markup:
    chart.x_labels = list(labels)
    chart.x_labels_major = list(labels)[:: every or max(1, -(-len(labels) // _LABELS))]
    for name, values in series.items():
        chart.add(name, list(values))
    return _drawn(chart, title)


def _common(height: int, language: str, *, legend: bool) -> dict[str, Any]:
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
        "no_data_text": "Nothing to show" if language == "en" else "Nessun dato",
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


def _written(value: float | None, unit: str, decimals: int, language: str) -> str:
    if value is None:
        return ""
    text = f"{value:,.{decimals}f}"
    return (text if language == "en" else text.translate(str.maketrans(",.", ".,"))) + unit


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1].rstrip(' ,(')}…"
