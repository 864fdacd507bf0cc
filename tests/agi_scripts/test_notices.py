"""Notices: set by who may, rendered by the worker, heard until they end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from click.testing import CliRunner

from agi_scripts.call_desk import CallDesk
from agi_scripts.house import House
from desk.cli.noticing import notice, render_notices
from desk.db import transaction
from desk.notices import NotAuthorised, clear_notices, set_notice, sound_of


def put(house: House, *, by: str = "bruno", hours: float = 1, **texts: str) -> int:
    now = house.clock()
    with transaction(house.sessions) as session:
        return set_notice(session, texts=texts, expires_at=now + timedelta(hours=hours), by=by, now=now).id


def test_a_typed_notice_is_heard_once_the_worker_has_given_it_a_voice(
    desk_for: Callable[[str | None], CallDesk], house: House
) -> None:
    number = put(house, it="Oggi l'acqua manca in via Roma.", en="No water in via Roma today.")
    desk = desk_for("+393331112203")
    assert desk.notices.in_force() == []
    render_notices(house.sessions, house.settings, now=house.clock())
    italian = sound_of(house.settings, number, "it")
    assert desk.notices.in_force() == [italian]
    assert italian.stat().st_size > 8000
    assert italian.with_suffix(".wav16").exists()
    assert italian.stat().st_mode & 0o044 == 0o044
    desk.remember_language("en")
    assert desk.notices.in_force() == [sound_of(house.settings, number, "en")]
    sounds = house.catalogue.sounds("it", "notice.said", {"voice": italian})
    assert sounds == (str(italian.with_suffix("")),)


def test_english_callers_hear_the_italian_where_there_is_no_english(
    desk_for: Callable[[str | None], CallDesk], house: House
) -> None:
    number = put(house, it="Neve: scuole chiuse.")
    render_notices(house.sessions, house.settings, now=house.clock())
    desk = desk_for(None)
    desk.remember_language("en")
    assert desk.notices.in_force() == [sound_of(house.settings, number, "it")]


def test_what_expired_or_was_cleared_is_heard_no_more(
    desk_for: Callable[[str | None], CallDesk], house: House
) -> None:
    put(house, it="Neve.", hours=1)
    render_notices(house.sessions, house.settings, now=house.clock())
    desk = desk_for(None)
    assert len(desk.notices.in_force()) == 1
    later = house.clock() + timedelta(hours=1)
    house.clock = lambda: later
    assert desk.notices.in_force() == []
    render_notices(house.sessions, house.settings, now=later)
    assert list((house.settings.home / "notices").iterdir()) == []
    put(house, it="Acqua.")
    render_notices(house.sessions, house.settings, now=later)
    with transaction(house.sessions) as session:
        assert clear_notices(session, by="carla", now=later) == 1
    assert desk.notices.in_force() == []


@pytest.mark.parametrize("login", ["anna", "nobody", ""])
def test_only_an_authorised_person_may(house: House, login: str) -> None:
    with pytest.raises(NotAuthorised):
        put(house, by=login, it="Festa.")
    with pytest.raises(NotAuthorised), transaction(house.sessions) as session:
        clear_notices(session, by=login, now=house.clock())


def test_by_command_with_a_recording(
    desk_for: Callable[[str | None], CallDesk], house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = put(house, it="Neve.")
    render_notices(house.sessions, house.settings, now=house.clock())
    recording = sound_of(house.settings, first, "it")
    monkeypatch.setenv("CENTRALINO_HOME", str(house.settings.home))
    monkeypatch.setenv("CENTRALINO_DATABASE_URL", house.sessions.kw["bind"].url.render_as_string())
    run = CliRunner()
    broken = run.invoke(notice, ["set", "--recording", __file__, "--hours", "2", "--by", "bruno"])
    assert broken.exit_code == 1
    assert "cannot be used" in broken.output
    made = run.invoke(notice, ["set", "--recording", str(recording), "--hours", "9000", "--by", "bruno"])
    assert made.exit_code == 2
    made = run.invoke(notice, ["set", "--recording", str(recording), "--hours", "2", "--by", "bruno"])
    assert made.exit_code == 0, made.output
    kept = sound_of(house.settings, first + 1, "it")
    assert kept.stat().st_size > 4000
    unexpiring = run.invoke(notice, ["set", "--it", "Neve.", "--by", "bruno"])
    assert unexpiring.exit_code == 2
    cleared = run.invoke(notice, ["clear", "--by", "anna"])
    assert cleared.exit_code == 1
