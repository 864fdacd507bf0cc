"""Questions in addresses: what is read is written again, and nonsense is told by name."""

from __future__ import annotations

from datetime import date

import pytest

from desk.models import Channel, RequestKind, Tier
from reports.calls import Level, Limits
from reports.changes import Way, change_of
from reports.definitions import Unit
from reports.periods import Period
from reports.questions import BadQuestion, Compare, Question, Span

#: A Wednesday.
TODAY = date(2026, 11, 25)


def ask(**said: str) -> Question:
    return Question.read(
        {name.rstrip("_"): value for name, value in said.items()}, today=TODAY, by=("day", "timeline")
    )


@pytest.mark.parametrize(
    ("span", "first", "last", "before"),
    [
        ("", (10, 27), (11, 25), ((2026, 9, 27), (2026, 10, 26))),
        ("today", (11, 25), (11, 25), ((2026, 11, 24), (2026, 11, 24))),
        ("yesterday", (11, 24), (11, 24), ((2026, 11, 23), (2026, 11, 23))),
        # Of what is not over, as much of what came before.
        ("this_week", (11, 23), (11, 25), ((2026, 11, 16), (2026, 11, 18))),
        ("last_week", (11, 16), (11, 22), ((2026, 11, 9), (2026, 11, 15))),
        ("this_month", (11, 1), (11, 25), ((2026, 10, 1), (2026, 10, 25))),
        ("last_month", (10, 1), (10, 31), ((2026, 9, 1), (2026, 9, 30))),
        ("this_year", (1, 1), (11, 25), ((2025, 1, 1), (2025, 11, 25))),
    ],
)
def test_named_periods_and_what_they_are_compared_with(
    span: str,
    first: tuple[int, int],
    last: tuple[int, int],
    before: tuple[tuple[int, int, int], tuple[int, int, int]],
) -> None:
    question = ask(span=span)
    assert question.period == Period(date(2026, *first), date(2026, *last))
    assert question.compared == Period(date(*before[0]), date(*before[1]))


def test_other_comparisons() -> None:
    leap = Question.read({"from": "2024-02-01", "to": "2024-02-29", "compare": "year"}, today=TODAY)
    assert leap.compared == Period(date(2023, 2, 1), date(2023, 2, 28))
    assert ask(compare="nothing").compared is None
    assert Question.read({"span": "this_month"}, today=date(2026, 3, 31)).compared == Period(
        date(2026, 2, 1), date(2026, 2, 28)
    )


def test_what_is_read_is_written_again() -> None:
    said = {
        "from": "2026-11-01",
        "to": "2026-11-20",
        "compare": "year",
        "by": "timeline",
        "line": "+390200000100",
        "office": "-",
        "language": "en",
        "operator": "201",
        "tier": "counter",
        "channel": "web",
        "kind": "report",
        "within": "30",
        "short": "0",
        "level": "of_offered",
        "hour": "9",
        "half": "18",
        "weekday": "0",
    }
    question = ask(**said)
    assert question.address() == said
    assert question.office == ""
    assert (question.tier, question.channel, question.kind) == (
        Tier.COUNTER,
        Channel.WEB,
        RequestKind.REPORT,
    )
    assert question.limits == Limits(30, 0, Level.OF_OFFERED)
    assert {"line", "office", "weekday"} <= question.said
    # What goes without saying is not written; an empty form asks for nothing.
    assert ask(span="", line="", within="", by="").address() == {"by": "day"}
    assert ask(from_="2026-11-20").period == Period(date(2026, 11, 20), TODAY)
    # A named period wins over dates that a form still holds.
    assert ask(span="today", from_="2026-11-01").span is Span.TODAY
    narrower = ask(compare="nothing").but(period=Period(TODAY, TODAY))
    assert narrower.address() == {
        "from": "2026-11-25",
        "to": "2026-11-25",
        "compare": Compare.NOTHING.value,
        "by": "day",
    }


@pytest.mark.parametrize(
    ("said", "name", "reason"),
    [
        ({"span": "soon"}, "span", "unknown"),
        ({"span": "chosen"}, "from", "missing"),
        ({"from": "2026-02-30"}, "from", "not_a_day"),
        ({"from": "0001-01-01"}, "from", "not_a_day"),
        ({"from": "2026-11-02", "to": "2026-11-01"}, "to", "backwards"),
        ({"from": "2001-01-01", "to": "2026-11-01"}, "from", "too_long"),
        ({"by": "colour"}, "by", "unknown"),
        ({"by": "timeline", "span": "this_year"}, "by", "timeline_too_long"),
        ({"within": "soon"}, "within", "not_a_number"),
        ({"within": "-1"}, "within", "not_a_number"),
        ({"short": "99999"}, "short", "not_a_number"),
        ({"level": "best"}, "level", "unknown"),
        ({"line": "' or 1=1"}, "line", "unknown"),
        ({"operator": "Anna Bianchi"}, "operator", "unknown"),
        ({"office": "x" * 41}, "office", "unknown"),
        ({"tier": "boss"}, "tier", "unknown"),
        ({"hour": "24"}, "hour", "not_a_number"),
        ({"half": "48"}, "half", "not_a_number"),
        ({"weekday": "7"}, "weekday", "not_a_number"),
    ],
)
def test_nonsense_is_told_by_name(said: dict[str, str], name: str, reason: str) -> None:
    with pytest.raises(BadQuestion) as refused:
        Question.read(said, today=TODAY, by=("day", "timeline"))
    assert (refused.value.name, refused.value.reason) == (name, reason)


@pytest.mark.parametrize(
    ("unit", "now", "before", "way", "it", "en"),
    [
        (Unit.COUNT, 110, 100, Way.UP, "in aumento del 10,0 %", "up by 10.0 %"),
        (Unit.COUNT, 90, 100, Way.DOWN, "in calo del 10,0 %", "down by 10.0 %"),
        (Unit.COUNT, 5, 5, Way.SAME, "invariato", "unchanged"),
        (Unit.SHARE, 0.85, 0.58, Way.UP, "in aumento di 27,0 punti", "up by 27.0 points"),
        (Unit.SECONDS, 20, 95, Way.DOWN, "in calo di 1:15", "down by 1:15"),
        # What is less than what is shown is no change.
        (Unit.SHARE, 0.58004, 0.58, Way.SAME, "invariato", "unchanged"),
    ],
)
def test_changes_in_words(unit: Unit, now: float, before: float, way: Way, it: str, en: str) -> None:
    change = change_of(unit, now, before)
    assert change is not None
    assert (change.way, change.text) == (way, it)
    english = change_of(unit, now, before, "en")
    assert english is not None
    assert english.text == en


def test_no_change_without_two_values() -> None:
    assert change_of(Unit.SHARE, None, 0.5) is None
    assert change_of(Unit.COUNT, 5, None) is None
    # Nothing grows by so much percent from nothing.
    assert change_of(Unit.COUNT, 5, 0) is None
