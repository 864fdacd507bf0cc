"""``centralino tree``, ``menu check`` and ``what-if`` on the demo town."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, select

from desk.cli import main, menus
from desk.cli.moments import is_shown_twice, read_moment
from desk.db import Sessions, sessions, transaction
from desk.models import Base
from desk.overrides import override_hours
from ivr.walk import Walked, nodes_in_source
from prompts.own_words import write_own
from webhooks.town_menu import FOR_CITIZENS

GIULIA = "3331112201"
CERTIFICATE = "1,1,1,1,15031980,1,1,1"


@pytest.fixture
def engine(town: Sessions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Engine:
    """The demo town's database of each kind, which the commands use, too."""
    bound: Engine = town.kw["bind"]
    monkeypatch.setenv("CENTRALINO_HOME", str(tmp_path))
    monkeypatch.setenv("CENTRALINO_DATABASE_URL", bound.url.render_as_string(hide_password=False))
    return bound


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, words)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def everything(engine: Engine) -> dict[str, list[Any]]:
    with engine.connect() as connection:
        return {name: list(connection.execute(select(table))) for name, table in Base.metadata.tables.items()}


@pytest.mark.usefixtures("engine")
def test_the_town_reads_its_own_words(tmp_path: Path) -> None:
    """What the worker has given a voice is what callers hear, so it is what is shown."""
    write_own(tmp_path, {"it": {"main.requests": "Per i nostri certificati,"}})
    for command in (
        ("tree", "--language", "it"),
        ("what-if", "2026-11-24 10:00"),
        ("simulate", "--keys", "1"),
    ):
        code, text = run(*command)
        assert code == 0, command
        assert "Per i nostri certificati" in text, command
        assert "Per certificati e richieste" not in text, command


@pytest.mark.usefixtures("engine")
def test_what_if_says_what_the_issue_asks() -> None:
    code, text = run("what-if", "2026-12-24 13:10", "--keys", "1,2")
    assert code == 0
    for line in (
        "Thursday 24 December 2026, 13:10: closed",
        "next opening: Monday 28 December 2026, 09:00",
        "[welcome.closed]",
        "  Riapriremo lunedì ventotto dicembre alle nove.",
        "> 2",
        "  Per il certificato di residenza,",
        "[hung_up at certificate.kind]",
    ):
        assert line in text.splitlines(), line


@pytest.mark.usefixtures("engine")
def test_what_if_says_which_phones_ring_in_the_language_chosen() -> None:
    code, text = run("what-if", "2026-11-24 10:00", "--keys", "0", "--language", "en", "--json")
    met = json.loads(text)
    assert code == 0
    assert (met["open"], met["closes_at"]) == (True, "2026-11-24T12:45:00+01:00")
    assert met["steps"][-1] == {
        "node": "person",
        "hears": ["I am putting you through to a person. Please hold the line."],
        "presses": "",
    }
    assert [(ring["after"], len(ring["phones"])) for ring in met["rings"]] == [(0, 1), (15, 4)]
    assert met["outcome"] == "operator"


def test_what_if_leaves_no_trace_even_of_a_request_that_was_filed(engine: Engine, tmp_path: Path) -> None:
    before, files = everything(engine), sorted(path.name for path in tmp_path.iterdir())
    code, text = run("what-if", "2026-11-24 10:00", "--keys", CERTIFICATE, "--caller", GIULIA)
    assert code == 0
    assert "[certificate.filed]" in text
    assert "Il numero della richiesta è" in text
    run("what-if", "2026-11-24 20:00", "--keys", "0")
    assert everything(engine) == before
    assert [name for name in sorted(path.name for path in tmp_path.iterdir()) if "sqlite-" not in name] == [
        name for name in files if "sqlite-" not in name
    ]


def test_what_if_knows_of_what_was_decided_by_hand(engine: Engine) -> None:
    now = datetime(2026, 11, 24, 9, tzinfo=UTC)
    with transaction(sessions(engine)) as session:
        override_hours(session, opened=False, until=now.replace(hour=10), by="201", now=now)
    assert (
        "10:30: closed, by hand\nnext opening: Tuesday 24 November 2026, 11:00"
        in run("what-if", "2026-11-24 10:30")[1]
    )
    assert "11:00: open until" in run("what-if", "2026-11-24 11:00")[1]


@pytest.mark.usefixtures("engine")
def test_what_if_and_the_clock_changes() -> None:
    code, text = run("what-if", "2026-03-29 02:30")
    assert code == 2
    assert "they show 03:30 instead" in text
    assert "taken for the one at +0200" in run("what-if", "2026-10-25 02:30")[1]
    assert "2026-10-25T02:30:00+01:00" in run("what-if", "2026-10-25 02:30+01:00", "--json")[1]
    assert run("what-if", "tomorrow")[0] == 2
    assert run("what-if", "2026-11-24 10:00", "--keys", "1;2")[0] == 2
    assert not is_shown_twice(read_moment("2026-10-25 03:00"))


def test_what_if_without_a_database_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CENTRALINO_HOME", str(tmp_path))
    for command in (("what-if", "2026-11-24 10:00"), ("tree",)):
        code, text = run(*command)
        assert code == 1
        assert "database" in text


@pytest.mark.usefixtures("engine")
def test_the_tree_has_every_menu_in_both_languages() -> None:
    code, text = run("tree")
    assert code == 0
    assert "       1  Per i certificati di nascita, matrimonio o morte" in text.splitlines()
    assert "       1  For a birth, marriage or death certificate" in text.splitlines()
    data = json.loads(run("tree", "--json", "--language", "it")[1])
    assert set(data) == {"it"}

    def opened(nodes: list[dict[str, Any]]) -> Iterator[str]:
        for node in nodes:
            if node["kind"] == "menu" and "again" not in node:
                yield node["node"]
            for choice in node.get("choices", ()):
                yield from opened(choice["then"])

    found = list(opened(data["it"]))
    assert len(found) == len(set(found))
    assert (
        {"main", "requests", "appointments", "information", "other", "sms"} <= set(found) <= nodes_in_source()
    )


@pytest.mark.usefixtures("engine")
# Every path of every dialog: the walk reads the town once, so one kind of database is enough.
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.timeout(900)
def test_the_menus_of_the_town_keep_the_rules() -> None:
    code, text = run("menu", "check")
    # Nothing is rendered in this home, and nothing else is wrong.
    *problems, last = text.splitlines()
    assert code == 1
    assert problems
    assert [problem for problem in problems if "has no audio" not in problem] == []
    assert last.startswith(f"{len(problems)} problems")


def test_a_broken_menu_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    met = Walked(no_person={"main"})
    monkeypatch.setattr(menus, "walk_all", lambda offer: dict.fromkeys(FOR_CITIZENS, met))
    code, text = run("menu", "check", "--demo", "--texts-only")
    assert code == 1
    assert "main: 0 does not lead to a person" in text
    assert "appointments: no path reaches it" in text
