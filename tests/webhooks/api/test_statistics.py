"""The managers' figures over HTTP: those of everywhere else, and nobody's work or number."""

from __future__ import annotations

import subprocess
import typing
from datetime import UTC, date, datetime

import pytest

from desk import db
from desk.api_keys import create_api_key
from desk.models import Scope
from reports import calls, definitions
from reports.rollups import refresh
from tests.console.fixed import Clock
from tests.reports.tables import keep_a_morning
from tests.webhooks.api.conftest import MakeKey, Site, problem_of
from webhooks import schemas
from webhooks.client import Client
from webhooks.schemas import StatisticsQuery

DAY = date(2026, 11, 20)
THE_DAY = f"first={DAY}&last={DAY}"


@pytest.fixture
def morning(town: db.Sessions, clock: Clock) -> db.Sessions:
    with db.transaction(town) as session:
        keep_a_morning(session, DAY)
    refresh(town, now=clock())
    return town


def test_figures_with_the_thresholds_that_are_asked_for(morning: db.Sessions, site: Site) -> None:
    found = site.get(f"/statistics/calls?{THE_DAY}").get_json()
    assert (found["table"], found["by"], found["first"], found["last"]) == (
        "calls",
        "total",
        "2026-11-20",
        "2026-11-20",
    )
    assert found["made_at"] == "2026-11-23T09:00:00Z"
    (row,) = found["rows"]
    assert set(row) == {column["name"] for column in found["columns"]}
    assert (row["offered"], row["answered"], row["long_abandons"], row["short_abandons"]) == (4, 2, 1, 1)
    assert (row["asa"], row["service_level"]) == (16.5, 1 / 3)
    # Nothing to count is null.
    assert row["resolved_survey"] is None
    (wide,) = site.get(f"/statistics/calls?{THE_DAY}&within=25&short=0").get_json()["rows"]
    assert wide["service_level"] == 2 / 4
    (strict,) = site.get(f"/statistics/calls?{THE_DAY}&level=of_answered").get_json()["rows"]
    assert strict["service_level"] == 1 / 2
    hours = site.get(f"/statistics/calls?{THE_DAY}&by=hour&calls_in=en").get_json()["rows"]
    assert [(hour["hour"], hour["offered"]) for hour in hours if hour["offered"]] == [(9, 1)]


def test_without_a_period_it_is_the_last_thirty_days(morning: db.Sessions, site: Site) -> None:
    found = site.get("/statistics/calls").get_json()
    assert (found["first"], found["last"], found["rows"][0]["offered"]) == ("2026-10-25", "2026-11-23", 4)


def test_each_table_that_is_named_can_be_asked_for(morning: db.Sessions, site: Site) -> None:
    known = {one["name"] for one in site.get("/statistics/definitions?language=en").get_json()["items"]}
    for table in site.get("/statistics").get_json()["items"]:
        for by in ["", *table["by"]]:
            answer = site.get(f"/statistics/{table['name']}?{THE_DAY}&by={by}")
            assert answer.status_code == 200, (table["name"], by)
            assert {column["name"] for column in answer.get_json()["columns"]} <= known
            # Neither who called nor who sat at which phone.
            assert "+39333" not in answer.text
            assert "operator" not in {column["name"] for column in answer.get_json()["columns"]}


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/statistics/nonsense", (404, "not-found")),
        ("/statistics/calls?by=operator", (422, "invalid")),
        ("/statistics/lost?by=day", (422, "invalid")),
        ("/statistics/calls?first=2026-11-21&last=2026-11-20", (422, "invalid")),
        ("/statistics/calls?first=2020-01-01&last=2026-11-20", (422, "invalid")),
        ("/statistics/calls?first=2026-01-01&last=2026-11-20&by=timeline", (422, "invalid")),
        ("/statistics/calls?within=-1", (422, "invalid")),
        ("/statistics/calls?caller=1", (422, "invalid")),
    ],
)
def test_what_cannot_be_asked(town: db.Sessions, site: Site, path: str, problem: tuple[int, str]) -> None:
    assert problem_of(site.get(path)) == problem


def test_a_key_without_the_scope_sees_none(site: Site, make_key: MakeKey) -> None:
    other = Site(site.client, make_key(set(Scope) - {Scope.STATISTICS_READ}))
    for path in ("/statistics", "/statistics/definitions", "/statistics/calls"):
        assert problem_of(other.get(path)) == (403, "out-of-scope")


def test_the_client_reads_them(server: subprocess.Popen[bytes], morning: db.Sessions, port: int) -> None:
    with db.transaction(morning) as session:
        key = create_api_key(session, name="open data", scopes=[Scope.STATISTICS_READ], now=datetime.now(UTC))
    desk = Client(f"http://127.0.0.1:{port}", key)
    assert "calls" in [table.name for table in desk.statistics_tables().items]
    assert "asa" in [figure.name for figure in desk.figure_definitions("en").items]
    found = desk.statistics("calls", StatisticsQuery(first=DAY, last=DAY, by="day", within=25))
    assert [(row["day"], row["answered"]) for row in found.rows] == [("2026-11-20", 2)]
    assert desk.statistics("lost").table == "lost"


def test_the_words_are_those_of_the_figures() -> None:
    assert set(typing.get_args(schemas.Unit)) == {unit.value for unit in definitions.Unit}
    assert set(typing.get_args(schemas.Level)) == {level.value for level in calls.Level}
