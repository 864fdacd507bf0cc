"""Prompts on a channel: one command as long as it can be, so that no key falls between two."""

from __future__ import annotations

from pathlib import Path

from agi_scripts.line import LONGEST, PAUSE, AgiLine
from agi_scripts.session import Session
from ivr.steps import prompt
from prompts.catalogue import load_catalogue


class Exchange(Session):
    """Answers readings with ``typed``, then with silence, and notes them."""

    def __init__(self, *typed: str) -> None:
        self.typed = list(typed)
        self.readings: list[tuple[str, float]] = []

    def read_keys(self, sounds: str, seconds: float, most: int = 1) -> str:
        self.readings.append((sounds, seconds))
        return self.typed.pop(0) if self.typed else ""


def test_all_sounds_and_the_wait_are_one_command(tmp_path: Path) -> None:
    exchange = Exchange()
    catalogue = load_catalogue(Path("/sounds"))
    line = AgiLine(exchange, catalogue, tmp_path, "1.1")
    assert line.play([prompt("certificate.confirm.intro"), prompt("press.1")], "it", 5.0) == ""
    assert exchange.readings == [("/sounds/it/certificate.confirm.intro&/sounds/it/press.1", 5.0)]


def test_what_is_too_long_for_one_command_is_cut_between_sounds(tmp_path: Path) -> None:
    exchange = Exchange()
    catalogue = load_catalogue(Path("/a-folder-with-a-rather-long-name" * 3))
    line = AgiLine(exchange, catalogue, tmp_path, "1.1")
    line.play([prompt("certificate.reference", ref="12345678")] * 4, "it", 5.0)
    assert len(exchange.readings) > 1
    assert all(len(sounds) <= LONGEST for sounds, _ in exchange.readings)
    assert [seconds for _, seconds in exchange.readings][-1] == 5.0
    joined = [sound for sounds, _ in exchange.readings for sound in sounds.split("&")]
    assert joined == 4 * list(catalogue.sounds("it", "certificate.reference", {"ref": "12345678"}))


def test_digits_typed_in_one_go_are_one_command(tmp_path: Path) -> None:
    exchange = Exchange("703195")
    assert AgiLine(exchange, load_catalogue(Path("/sounds")), tmp_path, "1.1").collect(6.0, 6) == "703195"
    assert exchange.readings == [("", PAUSE)]


def test_who_hesitates_between_digits_has_all_the_time_there_is(tmp_path: Path) -> None:
    exchange = Exchange("", "", "7")
    line = AgiLine(exchange, load_catalogue(Path("/sounds")), tmp_path, "1.1")
    assert line.collect(6.0, 6) == "7"
    assert len(exchange.readings) == 3
    assert line.collect(4.0, 6) == ""
    assert [seconds for _, seconds in exchange.readings[3:]] == [PAUSE, PAUSE, 1.0]
