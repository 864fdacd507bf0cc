"""Reports: filed in the call, spooled without a database and replayed once, unwanted takes removed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select

from agi_scripts.call_desk import CallDesk
from agi_scripts.house import House
from desk.db import reading
from desk.models import Email, ReportDetails, Request
from desk.replay import replay_spool
from ivr.report import Report
from ivr.steps import Recording

CALLER = "+393331112203"
REPORT = Report(
    "atos", Recording(Path("place.wav"), 3.0), Recording(Path("message.wav"), 9.0), call_back=True
)


def requests(house: House) -> list[Request]:
    with reading(house.sessions) as session:
        return list(session.scalars(select(Request)))


def test_a_report_is_filed_with_its_recordings_and_its_mail(
    desk_for: Callable[[str | None], CallDesk], house: House
) -> None:
    reports = desk_for(CALLER).reports
    assert list(reports.categories()) == ["roads", "environment", "atos", "complaint"]
    assert reports.can_call_back()
    reference = reports.file(REPORT)
    (request,) = requests(house)
    assert request.reference == reference
    assert request.contact_e164 == CALLER
    assert request.details == ReportDetails(
        category="atos",
        office="atos",
        place_recording=Path("place.wav"),
        message_recording=Path("message.wav"),
        seconds=9.0,
        call_back=True,
    )
    with reading(house.sessions) as session:
        assert session.scalars(select(Email.to_address)).all() == ["segnalazioni@atos.example"]


def test_two_reports_in_one_call_are_two(desk_for: Callable[[str | None], CallDesk], house: House) -> None:
    reports = desk_for(None).reports
    assert not reports.can_call_back()
    assert reports.file(REPORT) != reports.file(REPORT)
    assert len(requests(house)) == 2


def test_without_a_database_it_is_spooled_and_filed_once(
    desk_for: Callable[[str | None], CallDesk], house: House, tmp_path: Path
) -> None:
    file, away = tmp_path / "centralino.sqlite", tmp_path / "away"
    reports = desk_for(CALLER).reports
    file.rename(away)
    assert reports.file(REPORT) is None
    away.rename(file)
    assert replay_spool(house.sessions, house.spool) == 1
    assert replay_spool(house.sessions, house.spool) == 0
    assert len(requests(house)) == 1


def test_a_take_that_is_not_wanted_is_removed(
    desk_for: Callable[[str | None], CallDesk], tmp_path: Path
) -> None:
    take = tmp_path / "take.wav"
    take.touch()
    reports = desk_for(CALLER).reports
    reports.discard(Recording(take, 3.0))
    assert not take.exists()
    reports.discard(Recording(take, 3.0))
