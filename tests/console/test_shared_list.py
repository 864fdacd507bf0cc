"""A list that many have open at once: made once for all of them, and again once something changed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from console.shared_list import FRESH, SharedList
from tests.console.fixed import Clock


def test_who_asks_at_the_same_moment_is_given_the_same(clock: Clock) -> None:
    shared, made, others = SharedList(), [], threading.Event()

    def make() -> str:
        made.append(1)
        # The others have asked meanwhile.
        assert others.wait(10)
        return "list"

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(shared.text, "key", 1, make, now=clock()) for _ in range(8)]
        others.set()
        assert {each.result(10) for each in asked} == {"list"}
    assert made == [1]


def test_it_is_made_again_after_a_change_and_after_a_while_and_for_another_list(clock: Clock) -> None:
    shared = SharedList()
    texts = iter("abcd")

    def ask(key: str, stamp: int) -> str:
        return shared.text(key, stamp, lambda: next(texts), now=clock())

    assert [ask("one", 1), ask("one", 1)] == ["a", "a"]
    assert [ask("one", 2), ask("one", 2)] == ["b", "b"]
    assert [ask("two", 2), ask("one", 2)] == ["c", "b"]
    clock.now += FRESH
    assert [ask("one", 2), ask("one", 2)] == ["d", "d"]


def test_what_fails_is_not_kept(clock: Clock) -> None:
    shared = SharedList()
    with pytest.raises(ZeroDivisionError):
        shared.text("key", 1, lambda: str(1 / 0), now=clock())
    assert shared.text("key", 1, lambda: "list", now=clock()) == "list"
