"""Many callers at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def at_once(number: int, act: Callable[[int], object], *refusals: type[Exception]) -> list[object]:
    """What ``act`` gave for as many callers at the same moment, or which of ``refusals`` it raised."""
    together = threading.Barrier(number)

    def go(caller: int) -> object:
        together.wait()
        try:
            return act(caller)
        except refusals as refused:
            return type(refused)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(go, range(number)))
