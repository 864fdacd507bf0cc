"""What the operator's phone shows of a call, and what is kept of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agi_scripts.handing_over import CERTIFICATES, TOPICS, answers, ascii_only, display
from desk.call_log import Event
from desk.hand_over import DISPLAY, Answer
from ivr.conversation import Happening
from ivr.ports import CertificateDraft

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def course(*steps: tuple[str, str]) -> list[Event]:
    """Events of answers (node, detail); without a detail the node was only entered."""
    return [
        Event(seq, node, (Happening.ANSWERED if detail else Happening.ENTERED).value, detail, NOW)
        for seq, (node, detail) in enumerate(steps)
    ]


def shown(*steps: tuple[str, str], kind: str | None = None, language: str = "it", known: bool = False) -> str:
    draft = CertificateDraft("key", kind=kind) if kind else None
    return display(course(*steps), draft, language=language, identified=known)


def test_who_wants_a_person_at_once() -> None:
    assert shown(("welcome", ""), ("main", ""), ("person", "")) == "Operatore"


def test_the_latest_service_counts() -> None:
    assert shown(("information", "1"), ("more", "1"), ("main", "2"), ("appointments", "1")) == "Appuntamento"
    assert shown(("certificate.kind", "1"), ("identify.birth_date", "8 keys")) == "Certificato"


def test_what_is_known_of_it() -> None:
    assert shown(("certificate.kind", "1"), kind="birth") == "Cert. nascita"
    assert shown(("find.reference", "12345674"), ("find.last_digits", "")) == "Stato pratica 12345674"
    assert shown(("appointments.reference", "12345674")) == "Appuntamento 12345674"


def test_language_and_identification() -> None:
    long = shown(("find.reference", "12345674"), language="en", known=True)
    assert long == "Stato pratica 12345674 [EN ID]"
    assert len(long) == DISPLAY


def test_all_topics_and_certificates_fit() -> None:
    for kind in CERTIFICATES:
        assert shown(("certificate.kind", "1"), kind=kind, language="en", known=True).endswith(" [EN ID]")
    for topic in TOPICS.values():
        assert topic == ascii_only(topic)


@given(
    st.lists(st.tuples(st.sampled_from(["main", "find.reference", "certificate.kind", "x"]), st.text())),
    st.none() | st.text(min_size=1),
    st.booleans(),
)
def test_it_always_fits_and_is_plain(steps: list[tuple[str, str]], kind: str | None, known: bool) -> None:
    text = shown(*steps, kind=kind, language="en", known=known)
    assert len(text) <= DISPLAY
    assert text.isascii()
    assert text.isprintable()
    assert not set(text) & set('"<>;\\')


@pytest.mark.parametrize(
    "hidden", [("identify.birth_date", "8 keys"), ("identify.way", "1"), ("find.last_digits", "2201")]
)
def test_nothing_personal_is_kept(hidden: tuple[str, str]) -> None:
    kept = answers(course(("main", "1"), hidden, ("certificate.copies", "2"), ("certificate.subject", "")))
    assert kept == (Answer("main", "1"), Answer("certificate.copies", "2"))
