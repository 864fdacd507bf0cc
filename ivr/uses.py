"""Where each sentence is said: the nodes whose steps name it, read from the dialogs' own source."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

_STEPS = frozenset({"say", "choose", "ask", "confirm", "record", "transfer"})


@cache
def uses() -> Mapping[str, frozenset[str]]:
    """Prompt key, or the beginning of keys that are put together (it ends with a dot), to node ids.

    What is passed on through variables is not followed.
    """
    found: dict[str, set[str]] = {}
    for file in sorted(Path(__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and node.args and isinstance(node.func, ast.Name)):
                continue
            first = node.args[0]
            if node.func.id in _STEPS and isinstance(first, ast.Constant) and isinstance(first.value, str):
                for key in _named(node):
                    found.setdefault(key, set()).add(first.value)
    return {key: frozenset(nodes) for key, nodes in found.items()}


def nodes_of(key: str) -> frozenset[str]:
    """The ids of the nodes at which the sentence ``key`` is said, as far as the source tells."""
    return frozenset(
        node
        for named, nodes in uses().items()
        if named == key or (named.endswith(".") and key.startswith(named))
        for node in nodes
    )


def _named(call: ast.Call) -> Iterator[str]:
    for node in ast.walk(call):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "prompt"):
            continue
        if not node.args:
            continue
        match node.args[0]:
            case ast.Constant(value=str(key)):
                yield key
            case ast.JoinedStr(values=[ast.Constant(value=str(beginning)), *_]) if beginning.endswith("."):
                yield beginning
