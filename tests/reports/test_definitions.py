"""Every figure that is shown has a name, a meaning, a formula and a source, in Italian and English."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime

import pytest

from desk.db import Sessions, reading
from reports.call_list import CALL_COLUMNS
from reports.calls import By, CallFigures, Level
from reports.citizen_figures import ConsentFigures, MessageFigures
from reports.counter_figures import AppointmentFigures
from reports.definitions import Unit, definitions
from reports.figures import QUALITY, TABLES, Asked, NoSuchTable, age_label, table
from reports.ivr_paths import Edge, NodeFigures
from reports.lost import CallBackFigures, LostFigures
from reports.periods import Period
from reports.quality import Quality
from reports.request_figures import AGES, OLDER, RequestFigures
from reports.staffing_plan import STAFFING_COLUMNS

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
#: Parts of figures that are not shown by themselves.
PARTS = {
    "limits",
    "wrap_up_seconds",
    "wrap_up",
    "over",
    "abandoned",
    "waited_answered",
    "waited_abandoned",
    "desk_talks",
    "held_seconds",
    "held_talks",
    "blind",
    "attended",
    "survey_solved",
    "milliseconds",
    "timed",
    "waiting",
}


def names_of(figures: type) -> set[str]:
    """The fields and properties of a class of figures."""
    properties = {name for name, value in vars(figures).items() if isinstance(value, property)}
    return {field.name for field in fields(figures)} | properties


@pytest.mark.parametrize(
    "figures",
    [
        CallFigures,
        NodeFigures,
        Edge,
        LostFigures,
        CallBackFigures,
        RequestFigures,
        AppointmentFigures,
        MessageFigures,
        ConsentFigures,
        Quality,
    ],
)
def test_each_figure_is_defined(figures: type) -> None:
    assert names_of(figures) - PARTS - {"failed", "perfect"} <= set(definitions())


def test_definitions_are_whole() -> None:
    for name, one in definitions().items():
        for text in (one.name_it, one.name_en, one.definition_it, one.definition_en):
            assert text.strip(), name
        assert one.definition_it.endswith("."), name
        assert one.definition_en.endswith("."), name
        assert (one.name_it, one.definition_it) != (one.name_en, one.definition_en), name
        if one.unit in (Unit.COUNT, Unit.NUMBER, Unit.SHARE, Unit.SECONDS) and name != "found":
            assert one.formula, name
            assert one.source, name
    assert {f"level_{level.value}" for level in Level} <= set(definitions())
    assert {by.value for by in By} - {"total"} <= set(definitions())


def test_each_table_can_be_asked_for(town: Sessions) -> None:
    """With nothing in the database each still has its columns, all of them defined."""
    period = Period(date(2026, 11, 1), date(2026, 11, 30))
    shown = set()
    with reading(town) as session:
        for name, kind in TABLES.items():
            assert kind.title("it")
            assert kind.title("en")
            for by in ("", *kind.by):
                for language in ("it", "en"):
                    made = table(session, name, Asked(period, by=by, language=language), now=NOW)
                    assert {column.name for column in made.columns} <= set(definitions()), name
                    assert all(len(row) == len(made.columns) for row in made.rows)
                    shown |= {column.name for column in made.columns}
        for wrong in (("nonsense", ""), ("calls", "nonsense"), ("lost", "day")):
            with pytest.raises(NoSuchTable):
                table(session, wrong[0], Asked(period, by=wrong[1]), now=NOW)
    # What is defined is shown somewhere: nobody reads of a figure that there is not.
    assert set(definitions()) - shown - set(QUALITY) <= {
        "hung_up",
        "self_served",
        "overflow_share",
        "repeated",
        "known_answered",
        "share",
        "waiting",
        # Of lists that are no tables of sums.
        *CALL_COLUMNS,
        *STAFFING_COLUMNS,
        # Of tables that pages put together.
        "period",
        "meaning",
        "text_kind",
        "texts",
    }


def test_ages_in_words() -> None:
    assert [age_label(bound) for bound in (*AGES, OLDER)] == ["0–1", "2–5", "6–10", "11–30", "> 30"]
