"""Stays in the queue, from lines as Asterisk writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from desk.db import Sessions, transaction
from desk.models import CallLeg, QueueEvent, QueueStay, StayOutcome
from desk.queue_history import FOR_GOOD, QueueLine, Stay, derive_stays, read_queue_line, stay_of

START = 1795534900


def at(second: int) -> datetime:
    return datetime.fromtimestamp(START + second, UTC)


def log(text: str) -> list[QueueLine]:
    """Lines of ``queue_log`` with seconds after :data:`START`."""
    rows = (row.strip().partition("|") for row in text.strip().splitlines())
    return [read_queue_line(f"{START + int(second)}|{rest}") for second, _, rest in rows]


ANSWERED = """
    0|7.0|desk|NONE|ENTERQUEUE||+393331234567|2
   15|7.0|desk|201|RINGNOANSWER|15000
   21|7.0|desk|103|CONNECT|21|7.4|5
   81|7.0|desk|103|COMPLETECALLER|21|60|2
"""
ABANDONED = """
    0|7.0|desk|NONE|ENTERQUEUE||0291234567|1
    9|7.0|desk|NONE|ABANDON|1|1|9
"""
BACK_FROM_AN_ANNOUNCEMENT = """
    0|7.0|desk|NONE|ENTERQUEUE||+393331234567|3
   45|7.0|desk|NONE|EXITWITHTIMEOUT|2|3|45
   52|7.0|desk|NONE|ENTERQUEUE||+393331234567|2
   97|7.0|desk|NONE|EXITWITHTIMEOUT|1|2|45
   97|7.0|desk|NONE|ENTERQUEUE||+393331234567|1
  101|7.0|desk|101|CONNECT|4|7.9|2
  161|7.0|desk|101|COMPLETEAGENT|4|60|1
"""
LEFT = """
    0|7.0|desk|NONE|ENTERQUEUE||anonymous|1
   31|7.0|desk|NONE|EXITWITHTIMEOUT|1|1|31
"""
EMPTY = """
    0|7.0|desk|NONE|ENTERQUEUE|||1
    4|7.0|desk|NONE|EXITEMPTY|1|1|4
"""
BLIND = """
    0|7.0|desk|NONE|ENTERQUEUE||+393331234567|1
    3|7.0|desk|201|CONNECT|3|7.1|3
   40|7.0|desk|201|BLINDTRANSFER|104|phones|3|37|1
"""
ATTENDED = """
    0|7.0|desk|NONE|ENTERQUEUE||+393331234567|1
    3|7.0|desk|201|CONNECT|3|7.1|3
   50|7.0|desk|201|ATTENDEDTRANSFER|BRIDGE|2f3a-77|3|47|1
"""
LINKED = ATTENDED.replace("BRIDGE|2f3a-77", "LINK|PJSIP/trunk-00000001|PJSIP/104-0000001a")
OTHER_QUEUE_FIRST = """
    0|7.0|phone-102|NONE|ENTERQUEUE||+393331234567|1
   10|7.0|phone-102|NONE|EXITWITHTIMEOUT|1|1|10
   10|7.0|desk|NONE|ENTERQUEUE||+393331234567|4
   15|7.0|desk|201|CONNECT|5|7.2|5
"""
RETURNED = """
    0|7.0|desk|NONE|ENTERQUEUE||+393331234567|1
    3|7.0|desk|201|CONNECT|3|7.1|3
   40|7.0|desk|201|BLINDTRANSFER|104|phones|3|37|1
   60|7.0|phone-201|NONE|ENTERQUEUE||+393331234567|1
   62|7.0|phone-201|201|CONNECT|2|7.5|2
   90|7.0|phone-201|201|COMPLETECALLER|2|28|1
"""
NUMBER = "+393331234567"


@pytest.mark.parametrize(
    ("lines", "over", "stay"),
    [
        (ANSWERED, None, Stay("7.0", NUMBER, at(0), 2, StayOutcome.ANSWERED, at(21), "103", at(81))),
        (ABANDONED, None, Stay("7.0", "+390291234567", at(0), 1, StayOutcome.ABANDONED, ended_at=at(9))),
        (
            BACK_FROM_AN_ANNOUNCEMENT,
            None,
            Stay("7.0", NUMBER, at(0), 3, StayOutcome.ANSWERED, at(101), "101", at(161)),
        ),
        (LEFT, None, Stay("7.0", None, at(0), 1, StayOutcome.WAITING)),
        (LEFT, at(70), Stay("7.0", None, at(0), 1, StayOutcome.UNANSWERED, ended_at=at(31))),
        (EMPTY, at(60), Stay("7.0", None, at(0), 1, StayOutcome.UNANSWERED, ended_at=at(4))),
        (
            BLIND,
            None,
            Stay("7.0", NUMBER, at(0), 1, StayOutcome.ANSWERED, at(3), "201", at(40), "104", "blind"),
        ),
        (
            ATTENDED,
            None,
            Stay("7.0", NUMBER, at(0), 1, StayOutcome.ANSWERED, at(3), "201", at(50), None, "attended"),
        ),
        (
            LINKED,
            None,
            Stay("7.0", NUMBER, at(0), 1, StayOutcome.ANSWERED, at(3), "201", at(50), "104", "attended"),
        ),
        (OTHER_QUEUE_FIRST, None, Stay("7.0", NUMBER, at(0), 1, StayOutcome.ANSWERED, at(15), "201")),
        # Asterisk died in mid-conversation, or while somebody waited.
        (
            OTHER_QUEUE_FIRST,
            at(99),
            Stay("7.0", NUMBER, at(0), 1, StayOutcome.ANSWERED, at(15), "201", at(99)),
        ),
        (
            "0|7.0|desk|NONE|ENTERQUEUE|||1",
            at(99),
            Stay("7.0", None, at(0), 1, StayOutcome.UNANSWERED, ended_at=at(99)),
        ),
        # The first conversation counts; the time with a colleague is none of its own.
        (
            RETURNED,
            None,
            Stay("7.0", NUMBER, at(0), 1, StayOutcome.ANSWERED, at(3), "201", at(40), "104", "blind"),
        ),
        ("3|7.0|desk|201|CONNECT|3|7.1|3", None, None),
    ],
)
def test_stays(lines: str, over: datetime | None, stay: Stay | None) -> None:
    assert stay_of(log(lines), over) == stay


@given(
    st.sampled_from([ANSWERED, ABANDONED, BACK_FROM_AN_ANNOUNCEMENT, LEFT, BLIND, RETURNED]).flatmap(
        lambda text: st.tuples(
            st.just(text), st.permutations(log(text)), st.lists(st.sampled_from(log(text)), max_size=5)
        )
    )
)
def test_order_and_repetition_do_not_matter(drawn: tuple[str, list[QueueLine], list[QueueLine]]) -> None:
    text, shuffled, again = drawn
    assert stay_of(shuffled + again, None) == stay_of(log(text), None)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "1795534900|7.0|desk|NONE",
        "yesterday|7.0|desk|NONE|ENTERQUEUE||",
        "1795534900||desk|NONE|ENTERQUEUE||",
        "99999999999|7.0|desk|NONE|ENTERQUEUE||",
        "1795534900|7.0|desk|NONE|enter queue||",
        f"1795534900|{'7' * 81}|desk|NONE|ENTERQUEUE||",
    ],
)
def test_what_is_no_line(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_queue_line(line)


def test_whoever_left_for_good_left_before_the_desk_forgets() -> None:
    assert timedelta(minutes=30) < FOR_GOOD


@pytest.mark.parametrize(
    ("others", "to"),
    [
        (["PJSIP/201-00000002", "PJSIP/104-0000001a"], "104"),
        (["PJSIP/201-00000002"], None),
        ([], None),
    ],
)
def test_an_attended_transfer_that_is_a_bridge_to_the_queue_is_found_in_the_calls_records(
    sessions: Sessions, others: list[str], to: str | None
) -> None:
    with transaction(sessions) as session:
        for position, line in enumerate(log(ATTENDED)):
            session.add(
                QueueEvent(
                    source="queue_log",
                    position=position,
                    at=line.at,
                    call_unique_id=line.call_unique_id,
                    queue=line.queue,
                    agent=line.agent,
                    event=line.event,
                    data=list(line.data),
                )
            )
        for position, other in enumerate(others):
            session.add(
                CallLeg(
                    source="legs",
                    position=position,
                    unique_id="7.0",
                    linked_id="7.0",
                    caller=NUMBER,
                    dialled="s",
                    channel="PJSIP/trunk-00000001",
                    other_channel=other,
                    started_at=at(10 * position),
                    ended_at=at(90),
                    disposition="ANSWERED",
                )
            )
        session.flush()
        derive_stays(session, ["7.0"], now=at(100))
        stay = session.scalars(select(QueueStay)).one()
    assert (stay.extension, stay.transferred_how, stay.transferred_to) == ("201", "attended", to)
