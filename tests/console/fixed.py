"""What the tests of the web part hold still: the time, the secrets, a certificate."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeAlias

from desk.keyring import Keyring
from desk.models import (
    CertificateDetails,
    CourseDetails,
    Delivery,
    IdentifiedBy,
    PartOfDay,
    ReportDetails,
    Request,
    RoomDetails,
    RoomUse,
    Stamp,
    Subject,
)

#: The fixture ``file``: writes a request into the database.
File: TypeAlias = Callable[..., Request]

KEYRING = Keyring(
    phone_passwords={}, trunk_password="t", ami_password="a", web_key="w" * 43, operator_passwords={}
)


class Clock:
    """A Monday morning in November, until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def birth_certificate(
    *,
    subject: Subject = Subject.SELF,
    subject_recording: Path | None = None,
    identity_recording: Path | None = None,
    copies: int = 2,
    delivery: Delivery = Delivery.HOME,
) -> CertificateDetails:
    return CertificateDetails(
        certificate="birth",
        subject=subject,
        subject_recording=subject_recording,
        copies=copies,
        delivery=delivery,
        stamp=Stamp.FREE,
        fee="0.00",
        identified_by=IdentifiedBy.SPOKEN if identity_recording else IdentifiedBy.BIRTH_DATE,
        identity_recording=identity_recording,
    )


def a_report() -> ReportDetails:
    """A report that wants a call back."""
    return ReportDetails(
        category="roads",
        office="technical",
        place_recording=Path("place.wav"),
        message_recording=Path("message.wav"),
        seconds=5.0,
        call_back=True,
    )


def an_enrolment() -> CourseDetails:
    """An enrolment in a course that the town does not know any more."""
    return CourseDetails(course="ceramics", waiting=False, fee="85.00", identified_by=IdentifiedBy.TAX_CODE)


def a_room() -> RoomDetails:
    """A room that the town does not know any more, asked for a Saturday morning."""
    return RoomDetails(
        room="civic_hall",
        purpose=RoomUse.OTHER,
        day=date(2026, 12, 12),
        part=PartOfDay.MORNING,
        people=30,
        identified_by=IdentifiedBy.SPOKEN,
        identity_recording=Path("identity.wav"),
    )
