"""The ways callers take through the dialogs as a picture: from left to right, broader where more went."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from reports.charts import FAINT, FIRST, INK
from reports.definitions import Unit
from reports.exports import in_words
from reports.facts import START
from reports.ivr_paths import Edge

#: The most frequent steps, and the nodes of one column, that are drawn.
EDGES, _ROWS = 60, 9
#: Columns before that of the ends: more would be broader than a page.
_COLUMNS = 5
_BOX, _GAP, _TALL, _ROW = 158, 44, 38, 54
_TOP, _BROADEST = 12, 16.0
#: Where steps over several columns go, and the boxes begin below them.
_LANE, _FIRST = 14, 36
#: Characters of a name that fit into a box.
_LONGEST = 24


@dataclass(frozen=True, slots=True)
class _Place:
    x: int
    y: int


def path_picture(
    title: str, edges: Sequence[Edge], name: Callable[[str], str], *, language: str = "it"
) -> Markup:
    """An ``<svg>`` of the most frequent steps forward; ``name`` gives what a node is called."""
    kept = _forward(edges)
    if not kept:
        return Markup("")
    places, columns = _places(kept)
    kept = [edge for edge in kept if edge.origin in places and edge.target in places]
    most = max(edge.passages for edge in kept)
    width = columns * (_BOX + _GAP) - _GAP + 2 * _TOP
    height = max(place.y for place in places.values()) + _TALL + _TOP
    entered = Counter[str]()
    for edge in edges:
        entered[edge.target] += edge.passages
        if edge.origin == START:
            entered[START] += edge.passages
    lines = "".join(_line(edge, places, most) for edge in sorted(kept, key=lambda edge: edge.passages))
    boxes = "".join(
        _box(place, name(node), in_words(Unit.COUNT, entered[node], language), end=node.startswith("("))
        for node, place in places.items()
    )
    return Markup(  # noqa: S704 - names are escaped
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(title)}" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="Titillium Web, DejaVu Sans, sans-serif">{lines}{boxes}</svg>'
    )


def _forward(edges: Sequence[Edge]) -> list[Edge]:
    """The most frequent steps that lead away from the start, each to a node farther from it."""
    frequent = [edge for edge in edges if edge.origin != edge.target][:EDGES]
    depth = {node: far for node, far in _depths(frequent).items() if far < _COLUMNS or _is_end(node)}
    return [
        edge
        for edge in frequent
        if edge.origin in depth
        and edge.target in depth
        and (_is_end(edge.target) or depth[edge.target] > depth[edge.origin])
    ]


def _is_end(node: str) -> bool:
    return node.startswith("(") and node != START


def _depths(edges: Sequence[Edge]) -> Mapping[str, int]:
    """How many steps each node is away from the start."""
    following = defaultdict(list)
    for edge in edges:
        following[edge.origin].append(edge.target)
    depth, found = {START: 0}, [START]
    for node in found:
        for target in following[node]:
            if target not in depth:
                depth[target] = depth[node] + 1
                found.append(target)
    return depth


def _places(edges: Sequence[Edge]) -> tuple[Mapping[str, _Place], int]:
    """Where each node is drawn: the ends in the last column, the most frequent nodes above."""
    depth = _depths(edges)
    arrived = Counter[str]()
    for edge in edges:
        arrived[edge.target] += edge.passages
    last = max((far for node, far in depth.items() if not _is_end(node)), default=0) + 1
    columns: defaultdict[int, list[str]] = defaultdict(list)
    for node, far in depth.items():
        columns[last if _is_end(node) else far].append(node)
    return {
        node: _Place(_TOP + column * (_BOX + _GAP), _FIRST + row * _ROW)
        for column, nodes in columns.items()
        for row, node in enumerate(sorted(nodes, key=lambda node: (-arrived[node], node))[:_ROWS])
    }, last + 1


def _line(edge: Edge, places: Mapping[str, _Place], most: int) -> str:
    origin, target = places[edge.origin], places[edge.target]
    x1, y1, x2, y2 = origin.x + _BOX, origin.y + _TALL / 2, target.x, target.y + _TALL / 2
    broad = max(1.0, _BROADEST * edge.passages / most)
    if x2 - x1 <= _GAP:
        bend = (x2 - x1) / 2
        way = f"C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
    else:
        # Above the boxes between: behind them it would seem to come from there.
        bend = _GAP / 2
        way = (
            f"C{x1 + bend} {y1} {x1 + bend} {_LANE} {x1 + _GAP} {_LANE} H{x2 - _GAP} "
            f"C{x2 - bend} {_LANE} {x2 - bend} {y2} {x2} {y2}"
        )
    return (
        f'<path d="M{x1} {y1} {way}" fill="none" stroke="{FIRST}" stroke-opacity="0.35" '
        f'stroke-width="{broad:.1f}"/>'
    )


def _box(place: _Place, name: str, count: str, *, end: bool) -> str:
    short = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
    ground = "#eef1f4" if end else "#ffffff"
    return (
        f'<rect x="{place.x}" y="{place.y}" width="{_BOX}" height="{_TALL}" rx="5" fill="{ground}" '
        f'stroke="{INK if not end else FAINT}"/>'
        f'<text x="{place.x + 8}" y="{place.y + 16}" font-size="12" font-weight="600" fill="{INK}">'
        f"{escape(short)}</text>"
        f'<text x="{place.x + 8}" y="{place.y + 31}" font-size="12" fill="{INK}">{count}</text>'
    )
