"""Charts as SVG, drawn on the server: no script, no font or file from outside."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence

import pygal

# Pygal hangs a finder of an old kind into Python's imports, for maps that we do not draw: from then on every
# import would warn of it.
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]

#: Dark enough on white for texts and lines (WCAG AA), and apart from each other for the colour-blind.
COLOURS = ("#0059b3", "#c2410c", "#00664d", "#7a2e8e")

Series = Mapping[str, Sequence[float | None]]


def bars(title: str, labels: Sequence[str], series: Series, *, height: int = 280) -> str:
    """A bar for each label of each series (name to values); ``None`` leaves a gap. An ``<svg>`` element."""
    return _draw(pygal.Bar, title, labels, series, height)


def lines(title: str, labels: Sequence[str], series: Series, *, height: int = 280) -> str:
    """A line for each series; ``None`` interrupts it. An ``<svg>`` element."""
    return _draw(pygal.Line, title, labels, series, height)


def _draw(kind: type, title: str, labels: Sequence[str], series: Series, height: int) -> str:
    config = pygal.Config()
    # Without this pygal links its script from its own site.
    config.js = []
    chart = kind(
        config,
        title=title,
        width=800,
        height=height,
        style=pygal.style.Style(
            background="#ffffff",
            plot_background="#ffffff",
            foreground="#17324d",
            foreground_strong="#17324d",
            foreground_subtle="#5d7083",
            colors=COLOURS,
            font_family="Titillium Web, DejaVu Sans, sans-serif",
            transition="0s",
        ),
        show_legend=len(series) > 1,
        legend_at_bottom=True,
        disable_xml_declaration=True,
        explicit_size=False,
        pretty_print=False,
        show_minor_x_labels=len(labels) <= 16,
        x_labels_major_count=12 if len(labels) > 16 else None,
        x_label_rotation=30 if len(labels) > 16 else 0,
        include_x_axis=True,
    )
    chart.x_labels = list(labels)
    for name, values in series.items():
        chart.add(name, list(values))
    drawn: str = chart.render(is_unicode=True)
    # What is left is configuration for that script.
    return re.sub(r"<script\b.*?</script>", "", drawn, flags=re.DOTALL)
