"""Finding Asterisk, and the folders and files it is given."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from call_routing import exchange
from call_routing.exchange import NoAsterisk, NotRunning
from desk.keyring import open_keyring
from desk.settings import Settings
from desk.town import Phone, Town
from tests.live.harness import home_folder, small_town


def test_the_asterisk_of_this_machine_is_found() -> None:
    programs = exchange.find_programs(Settings())
    assert int(programs.version.split(".")[0]) >= 20
    assert (programs.modules / "app_queue.so").exists()


def test_a_missing_asterisk_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(exchange, "SYSTEM_PROGRAMS", str(tmp_path))
    with pytest.raises(NoAsterisk, match="asterisk-conf/obtain"):
        exchange.find_programs(Settings(asterisk_root=tmp_path / "none"))


def test_an_incomplete_root_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoAsterisk, match="asterisk-conf/obtain"):
        exchange.find_programs(Settings(asterisk_root=tmp_path))


def test_an_old_asterisk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "asterisk"
    old.write_text("#!/bin/sh\necho Asterisk 16.28.0~dfsg\n")
    old.chmod(0o755)
    (tmp_path / "sipp").symlink_to(old)
    monkeypatch.setenv("PATH", str(tmp_path))
    modules = tmp_path / "usr" / "lib" / "asterisk" / "modules"
    modules.mkdir(parents=True)
    (tmp_path / "usr" / "share" / "asterisk").mkdir(parents=True)
    monkeypatch.setattr(exchange, "HOST_ROOT", tmp_path)
    with pytest.raises(NoAsterisk, match=r"16\.28\.0, at least 20"):
        exchange.find_programs(Settings(asterisk_root=tmp_path / "none"))


def test_a_stopped_asterisk_does_not_answer(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, asterisk_root=Settings().asterisk_program_root)
    _write(settings)
    assert not exchange.is_running(settings)
    with pytest.raises(NotRunning):
        exchange.ask(settings, "core show version")


def test_only_asterisk_can_read_the_passwords_and_only_its_own_can_be_written(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, asterisk_root=Settings().asterisk_program_root)
    etc = _write(settings)
    for path in [etc, *etc.iterdir()]:
        facts = path.stat()
        assert not facts.st_mode & stat.S_IRWXO, path
        if os.geteuid() == 0:
            assert facts.st_uid == 0
            assert not facts.st_mode & stat.S_IWGRP
    if os.geteuid() == 0:
        assert (tmp_path / "spool" / "messages").stat().st_uid != 0


def test_templates_that_are_gone_leave_no_file_behind(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, asterisk_root=Settings().asterisk_program_root)
    stale = _write(settings) / "http_old.conf"
    stale.write_text("[general]\n")
    _write(settings)
    assert not stale.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts Asterisk as another user")
def test_a_folder_closed_to_asterisk_is_named() -> None:
    with home_folder() as top:
        closed = top / "closed"
        (closed / "home").mkdir(parents=True)
        closed.chmod(0o700)
        assert exchange.unreachable_folder(closed / "home") == closed
        closed.chmod(0o711)
        assert exchange.unreachable_folder(closed / "home") is None


def _write(settings: Settings) -> Path:
    town = small_town(ring_seconds=15)
    keyring = open_keyring(settings.home, extensions=[phone.extension for phone in town.phones], logins=[])
    return exchange.write_configuration(settings, keyring, town)


def test_what_the_town_changes_is_read_by_a_running_asterisk(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, asterisk_root=Settings().asterisk_program_root)
    etc = _write(settings)
    town = small_town(ring_seconds=15)
    told: list[str] = []

    def ask(_settings: Settings, command: str) -> str:
        told.append(command)
        return ""

    def keep_up(town: Town) -> tuple[str, ...]:
        keyring = open_keyring(tmp_path, extensions=[phone.extension for phone in town.phones], logins=[])
        return exchange.bring_up_to_date(settings, keyring, town, ask)

    assert keep_up(town) == ()
    assert told == []
    slower = replace(town, routing=replace(town.routing, wrap_up_seconds=77))
    assert keep_up(slower) == ("queues.conf",)
    assert told == ["module reload app_queue.so"]
    assert "wrapuptime = 77" in (etc / "queues.conf").read_text()
    told.clear()
    larger = replace(slower, phones=(*slower.phones, Phone("199", "counter", "Sportello 9", 20)))
    assert set(keep_up(larger)) == {"pjsip.conf", "queues.conf", "extensions.conf"}
    assert told == ["module reload res_pjsip.so", "module reload app_queue.so", "dialplan reload"]

    def gone(_settings: Settings, command: str) -> str:
        raise exchange.NotRunning(command)

    keyring = open_keyring(tmp_path, extensions=[phone.extension for phone in town.phones], logins=[])
    with pytest.raises(exchange.NotRunning):
        exchange.bring_up_to_date(settings, keyring, slower, gone)
    # Not forgotten: it is still to be told.
    assert "199" in (etc / "queues.conf").read_text()
