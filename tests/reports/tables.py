"""Call data pasted as tables, brought into the database the way the desk itself does it.

Times are Rome's clock on a given day, ``+1 00:10:00`` is on the next one; ``02:30:00b`` is the second half
past two of the night the clocks are put back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy.orm import Session

from desk.call_log import CallEnd, CallRecord, Event, log_call
from desk.call_records import Leg, keep_legs
from desk.models import SurveyAnswer
from desk.queue_history import QueueLine, keep_queue_lines, read_queue_line, settle_stays
from desk.settings import ROME

TOWN, OFFICE_LINE = "+390200000100", "+390200000301"


def at(day: date, clock: str) -> datetime:
    """That time of that day, UTC."""
    ahead, _, shown = clock.rpartition(" ")
    fold = int(shown.endswith("b"))
    moment = datetime.combine(
        day + timedelta(days=int(ahead or 0)), time.fromisoformat(shown.rstrip("b")), ROME
    )
    return moment.replace(fold=fold).astimezone(UTC)


def rows_of(table: str) -> Iterator[list[str]]:
    """The fields of a table's lines; lines that begin with ``#`` are remarks."""
    for line in table.strip().splitlines():
        if line.strip() and not line.strip().startswith("#"):
            yield [field.strip() for field in line.split("|")]


def queue_lines(day: date, table: str) -> list[QueueLine]:
    """``time | call | queue | agent | event | data...``, as ``queue_log`` has them."""
    lines = []
    for clock, *rest in rows_of(table):
        second = int(at(day, clock).timestamp())
        lines.append(read_queue_line(f"{second}|{'|'.join(rest)}"))
    return lines


def keep_queue(
    session: Session, lines: Sequence[QueueLine], now: datetime, *, source: str = "log", first: int = 0
) -> None:
    """Take in lines of the queue's log; the same places again change nothing."""
    keep_queue_lines(session, source, list(enumerate(lines, first)), now)


def keep_calls(session: Session, day: date, table: str) -> None:
    """``call | began | ended | line | caller | language | outcome | last node``; ``-`` is nothing."""
    for unique_id, began, ended, line, caller, language, outcome, node in rows_of(table):
        end = None
        if ended != "-":
            end = CallEnd(
                outcome=outcome,
                language="" if language == "-" else language,
                last_node=node,
                at=at(day, ended),
            )
        log_call(
            session,
            CallRecord(
                unique_id=unique_id,
                caller=None if caller == "-" else caller,
                called=None if line == "-" else line,
                started_at=at(day, began),
                end=end,
            ),
        )


def keep_events(session: Session, day: date, table: str) -> None:
    """``call | time | node | event [| seq]``: events of calls that are there, in their order."""
    numbers: dict[str, int] = {}
    for unique_id, clock, node, event, *seq in rows_of(table):
        numbers[unique_id] = int(seq[0]) if seq else numbers.get(unique_id, 0) + 1
        log_call(
            session,
            CallRecord(
                unique_id=unique_id,
                caller=None,
                called=None,
                started_at=at(day, clock),
                events=(Event(numbers[unique_id], node, event, "", at(day, clock)),),
            ),
        )


def legs(day: date, table: str) -> list[Leg]:
    """``call | began | answered | ended | caller | other channel``."""
    return [
        Leg(
            unique_id,
            unique_id,
            "" if caller == "-" else caller,
            "s",
            f"PJSIP/trunk-{unique_id}",
            other,
            at(day, began),
            None if answered == "-" else at(day, answered),
            at(day, ended),
            "NO ANSWER" if answered == "-" else "ANSWERED",
        )
        for unique_id, began, answered, ended, caller, other in rows_of(table)
    ]


def keep_call_legs(session: Session, day: date, table: str, now: datetime) -> None:
    """Take in call detail records, and settle what they say about stays in the queue."""
    keep_legs(session, "legs", list(enumerate(legs(day, table))), now)
    settle_stays(session, now=now)


def keep_answers(session: Session, day: date, table: str) -> None:
    """``call | time | phone | yes/no``: answers to the question after the talk."""
    for unique_id, clock, extension, answer in rows_of(table):
        session.add(
            SurveyAnswer(
                call_unique_id=unique_id, extension=extension, solved=answer == "yes", at=at(day, clock)
            )
        )
    session.flush()


def keep_a_morning(session: Session, day: date) -> None:
    """Four calls, for those who only want some: answered after 8 s and 25 s, given up after 3 s and 40 s."""
    keep_calls(
        session,
        day,
        f"""
        1.0 | 09:00:00 | 09:02:20 | {TOWN} | +393331110001 | it | operator | person
        2.0 | 09:10:00 | 09:11:45 | {TOWN} | +393331110002 | it | operator | person
        3.0 | 09:20:00 | 09:20:20 | {TOWN} | +393331110003 | en | operator | person
        4.0 | 09:40:00 | 09:41:00 | {TOWN} | +393331110004 | it | operator | person
        """,
    )
    lines = queue_lines(
        day,
        """
        09:00:10 | 1.0 | desk | NONE | ENTERQUEUE | | +393331110001 | 1
        09:00:18 | 1.0 | desk | 201 | CONNECT | 8 | 1.1 | 8
        09:02:18 | 1.0 | desk | 201 | COMPLETECALLER | 8 | 120 | 1
        09:10:10 | 2.0 | desk | NONE | ENTERQUEUE | | +393331110002 | 1
        09:10:35 | 2.0 | desk | 101 | CONNECT | 25 | 2.1 | 10
        09:11:35 | 2.0 | desk | 101 | COMPLETEAGENT | 25 | 60 | 1
        09:20:10 | 3.0 | desk | NONE | ENTERQUEUE | | +393331110003 | 1
        09:20:13 | 3.0 | desk | NONE | ABANDON | 1 | 1 | 3
        09:40:10 | 4.0 | desk | NONE | ENTERQUEUE | | +393331110004 | 1
        09:40:50 | 4.0 | desk | NONE | ABANDON | 1 | 1 | 40
        """,
    )
    keep_queue(session, lines, at(day, "10:00:00"))
