"""Taking in Asterisk's files: each line once, whatever happens to the files and to the worker."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from desk import db, ingest
from desk.call_log import CallEnd, CallRecord, log_call
from desk.db import Sessions, reading, transaction
from desk.ingest import LEGS, QUEUE_LOG, Taken, take_in
from desk.models import Call, CallLeg, CallOutcome, IngestPosition, QueueEvent, QueueStay, StayOutcome
from desk.queue_history import FOR_GOOD, rebuild_stays
from desk.settings import Settings
from tests.desk.workers import url_of, wait_until, worker

START = 1795534900
NOW = datetime.fromtimestamp(START + 600, UTC)

#: Five calls: answered, given up, answered after an announcement, sent away, still waiting.
QUEUE = f"""\
{START}|NONE|NONE|NONE|QUEUESTART|
{START + 2}|1.0|desk|NONE|ENTERQUEUE||+393331234567|1
{START + 3}|1.0|desk|201|CONNECT|1|1.1|1
{START + 5}|2.0|desk|NONE|ENTERQUEUE||+393337654321|1
{START + 9}|2.0|desk|NONE|ABANDON|1|1|4
{START + 10}|3.0|desk|NONE|ENTERQUEUE||anonymous|1
{START + 55}|3.0|desk|NONE|EXITWITHTIMEOUT|1|1|45
{START + 63}|1.0|desk|201|COMPLETECALLER|1|60|1
{START + 63}|3.0|desk|NONE|ENTERQUEUE||anonymous|1
{START + 65}|3.0|desk|201|CONNECT|2|3.2|2
{START + 70}|4.0|desk|NONE|ENTERQUEUE||+390291234567|1
{START + 74}|4.0|desk|NONE|EXITWITHTIMEOUT|1|1|4
{START + 95}|3.0|desk|201|COMPLETEAGENT|2|30|1
{START + 99}|5.0|desk|NONE|ENTERQUEUE||+393330000005|1
"""


def leg(number: int, start: float, end: float, *, caller: str = "+393331234567", side: str = "trunk") -> str:
    fields = (
        f"{number}.0",
        f"{number}.0",
        str(number),
        caller,
        "s",
        f"PJSIP/{side}-0000000{number}",
        "PJSIP/201-00000009",
        f"{START + start:.6f}",
        f"{START + start + 0.1:.6f}",
        f"{START + end:.6f}",
        "ANSWERED",
    )
    return ",".join(f'"{field}"' for field in fields) + "\n"


RECORDS = leg(1, 1, 63.5) + leg(2, 4, 9.5) + leg(3, 10, 95.5, caller="anonymous") + leg(4, 69, 90)

#: (call, outcome, answered, ended) after START.
STAYS = [
    ("1.0", StayOutcome.ANSWERED, 3, 63),
    ("2.0", StayOutcome.ABANDONED, None, 9),
    ("3.0", StayOutcome.ANSWERED, 65, 95),
    ("4.0", StayOutcome.UNANSWERED, None, 74),
    ("5.0", StayOutcome.WAITING, None, None),
]


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    found = Settings(home=tmp_path)
    (found.asterisk_log / "cdr-custom").mkdir(parents=True)
    return found


def queue_file(found: Settings) -> Path:
    return found.asterisk_log / QUEUE_LOG.path


def legs_file(found: Settings) -> Path:
    return found.asterisk_log / LEGS.path


def stays(sessions: Sessions) -> list[tuple[Any, ...]]:
    def after(moment: datetime | None) -> int | None:
        return None if moment is None else round(moment.timestamp()) - START

    with reading(sessions) as session:
        rows = session.scalars(select(QueueStay).order_by(QueueStay.call_unique_id)).all()
    return [(row.call_unique_id, row.outcome, after(row.answered_at), after(row.ended_at)) for row in rows]


def events(sessions: Sessions) -> list[str]:
    """What was kept, as it stood in the file."""
    with reading(sessions) as session:
        rows = session.scalars(select(QueueEvent).order_by(QueueEvent.id)).all()
    return [
        "|".join(
            (str(round(row.at.timestamp())), row.call_unique_id, row.queue, row.agent, row.event, *row.data)
        )
        for row in rows
    ]


def test_stays_and_legs_from_the_files(sessions: Sessions, home: Settings) -> None:
    queue_file(home).write_text(QUEUE, encoding="utf-8")
    legs_file(home).write_text(RECORDS, encoding="utf-8")
    assert take_in(sessions, home, now=NOW) == Taken(18, 0)
    assert stays(sessions) == STAYS
    with reading(sessions) as session:
        first = session.scalars(select(CallLeg).order_by(CallLeg.id)).first()
    assert first is not None
    assert (first.unique_id, first.caller, first.disposition) == ("1.0", "+393331234567", "ANSWERED")
    assert first.ended_at == datetime.fromtimestamp(START + 63.5, UTC)
    # A second look finds nothing new.
    assert take_in(sessions, home, now=NOW) == Taken()
    assert stays(sessions) == STAYS


def test_stays_can_be_made_again(sessions: Sessions, home: Settings) -> None:
    queue_file(home).write_text(QUEUE, encoding="utf-8")
    legs_file(home).write_text(RECORDS, encoding="utf-8")
    take_in(sessions, home, now=NOW)
    with transaction(sessions) as session:
        session.execute(delete(QueueStay).where(QueueStay.call_unique_id == "3.0"))
        session.execute(update(QueueStay).values(outcome=StayOutcome.WAITING, ended_at=None))
        session.add(
            QueueStay(call_unique_id="never", entered_at=NOW, position=1, outcome=StayOutcome.WAITING)
        )
    with transaction(sessions) as session:
        rebuild_stays(session, now=NOW)
    assert stays(sessions) == STAYS


def test_half_a_line_waits(sessions: Sessions, home: Settings) -> None:
    whole, cut = QUEUE.encode(), QUEUE.index("|ABANDON") + 3
    queue_file(home).write_bytes(whole[:cut])
    take_in(sessions, home, now=NOW)
    assert [row[1] for row in stays(sessions)] == [StayOutcome.ANSWERED, StayOutcome.WAITING]
    queue_file(home).write_bytes(whole)
    take_in(sessions, home, now=NOW)
    assert "".join(f"{line}\n" for line in events(sessions)) == QUEUE


def test_broken_lines_are_told_once_and_stop_nothing(
    sessions: Sessions, home: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    first, _, rest = QUEUE.partition("\n")
    broken = "17955|+393339999999\n"
    # Zeros as a power cut leaves them: before a line they are overlooked, inside it is broken.
    queue_file(home).write_text(
        f"{first}\n{broken}{broken[:9]}\0{broken}\0\0\0{rest}", encoding="utf-8", newline="\n"
    )
    legs_file(home).write_text('"1.0","1.0\n' + RECORDS + '"a","b"\n', encoding="utf-8")
    with caplog.at_level(logging.ERROR):
        assert take_in(sessions, home, now=NOW) == Taken(18, 4)
        assert take_in(sessions, home, now=NOW) == Taken()
    assert stays(sessions) == STAYS
    assert len(caplog.records) == 4
    assert "+39333" not in caplog.text
    assert f"byte {len(first) + 1} " in caplog.text


def test_a_line_longer_than_a_part_is_no_line(
    sessions: Sessions, home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "PART", 100)
    first, _, rest = QUEUE.partition("\n")
    queue_file(home).write_text(f"{first}\n{'x' * 1000}\n{rest}", encoding="utf-8")
    take_in(sessions, home, now=NOW)
    assert "".join(f"{line}\n" for line in events(sessions)) == QUEUE


def test_a_rotated_file_is_read_to_its_end_first(sessions: Sessions, home: Settings) -> None:
    rows = QUEUE.splitlines(keepends=True)
    queue_file(home).write_text("".join(rows[:4]), encoding="utf-8")
    take_in(sessions, home, now=NOW)
    with queue_file(home).open("a", encoding="utf-8") as file:
        file.write("".join(rows[4:7]))
    queue_file(home).rename(queue_file(home).with_name("queue_log.0"))
    queue_file(home).write_text("".join(rows[7:9]), encoding="utf-8")
    queue_file(home).rename(queue_file(home).with_name("queue_log.1"))
    os.utime(queue_file(home).with_name("queue_log.0"), (1, 1))
    queue_file(home).write_text("".join(rows[9:]), encoding="utf-8")
    take_in(sessions, home, now=NOW)
    assert "".join(f"{line}\n" for line in events(sessions)) == QUEUE


def test_an_inode_that_is_used_again_is_another_file(sessions: Sessions, home: Settings) -> None:
    rows = QUEUE.splitlines(keepends=True)
    queue_file(home).write_text("".join(rows[:8]), encoding="utf-8")
    take_in(sessions, home, now=NOW)
    inode = queue_file(home).stat().st_ino
    # The same inode with other content, shorter at first.
    queue_file(home).write_text("".join(rows[8:]), encoding="utf-8")
    assert queue_file(home).stat().st_ino == inode
    take_in(sessions, home, now=NOW)
    assert "".join(f"{line}\n" for line in events(sessions)) == QUEUE


def test_a_file_that_was_copied_changes_no_stay(sessions: Sessions, home: Settings) -> None:
    queue_file(home).write_text(QUEUE, encoding="utf-8")
    legs_file(home).write_text(RECORDS, encoding="utf-8")
    take_in(sessions, home, now=NOW)
    shutil.copy(queue_file(home), queue_file(home).with_name("queue_log.old"))
    take_in(sessions, home, now=NOW)
    assert len(events(sessions)) == 2 * QUEUE.count("\n")
    assert stays(sessions) == STAYS


def test_a_run_that_breaks_leaves_the_position_where_it_was(
    sessions: Sessions, home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue_file(home).write_text(QUEUE, encoding="utf-8")

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("desk.queue_history.derive_stays", fail)
        with pytest.raises(ZeroDivisionError):
            take_in(sessions, home, now=NOW)
    with reading(sessions) as session:
        assert session.scalars(select(IngestPosition)).all() == []
    take_in(sessions, home, now=NOW)
    assert "".join(f"{line}\n" for line in events(sessions)) == QUEUE


def test_a_stay_without_an_end_is_settled_by_what_came_later(sessions: Sessions, home: Settings) -> None:
    queue_file(home).write_text(QUEUE, encoding="utf-8")
    take_in(sessions, home, now=NOW)
    assert [row for row in stays(sessions) if row[0] in ("4.0", "5.0")] == [
        ("4.0", StayOutcome.WAITING, None, None),
        ("5.0", StayOutcome.WAITING, None, None),
    ]
    # Asterisk was killed: no record of the calls, but the start of another one.
    with queue_file(home).open("a", encoding="utf-8") as file:
        file.write(f"{START + 200}|NONE|NONE|NONE|QUEUESTART|\n")
    take_in(sessions, home, now=NOW)
    assert [row for row in stays(sessions) if row[0] in ("4.0", "5.0")] == [
        ("4.0", StayOutcome.UNANSWERED, None, 74),
        ("5.0", StayOutcome.UNANSWERED, None, 200),
    ]


def test_a_stay_without_an_end_is_settled_in_the_end(sessions: Sessions, home: Settings) -> None:
    queue_file(home).write_text(QUEUE, encoding="utf-8")
    take_in(sessions, home, now=NOW + FOR_GOOD)
    assert {row[1] for row in stays(sessions)} == {
        StayOutcome.ANSWERED,
        StayOutcome.ABANDONED,
        StayOutcome.UNANSWERED,
    }


def test_calls_are_closed_from_their_records(sessions: Sessions, home: Settings) -> None:
    started = datetime.fromtimestamp(START, UTC)
    with transaction(sessions) as session:
        for number, end in ((1, None), (2, "done"), (9, None)):
            log_call(
                session,
                CallRecord(
                    unique_id=f"{number}.0",
                    caller=None,
                    called="100",
                    started_at=started,
                    end=CallEnd(outcome=end, language="it", last_node="main", at=started) if end else None,
                ),
            )
    queue_file(home).write_text(QUEUE, encoding="utf-8")
    records = RECORDS + leg(6, 100, 101) + leg(7, 100, 101, side="201")
    legs_file(home).write_text(records, encoding="utf-8")
    early = datetime.fromtimestamp(START + 110, UTC)
    take_in(sessions, home, now=early)

    def calls() -> dict[str, tuple[CallOutcome | None, int | None]]:
        with reading(sessions) as session:
            return {
                call.unique_id: (
                    call.outcome,
                    round(call.ended_at.timestamp() - START) if call.ended_at else None,
                )
                for call in session.scalars(select(Call))
            }

    # The AGI server may still be writing how the last call ended; calls between our phones are none of ours.
    assert calls()["6.0"] == (None, None)
    take_in(sessions, home, now=NOW)
    assert calls() == {
        "1.0": (CallOutcome.OPERATOR, 64),
        "2.0": (CallOutcome.DONE, 0),
        "3.0": (CallOutcome.OPERATOR, 96),
        "4.0": (CallOutcome.OPERATOR, 90),
        "6.0": (CallOutcome.FAILED, 101),
        "9.0": (None, None),
    }


class Writer:
    """Asterisk, writing line by line and rotating now and then."""

    def __init__(self, file: Path) -> None:
        self._file, self._rotated = file, 0

    def write(self, data: bytes) -> None:
        with self._file.open("ab") as file:
            file.write(data)

    def rotate(self) -> None:
        if self._file.exists():
            self._file.rename(self._file.with_name(f"queue_log.{self._rotated}"))
            self._rotated += 1
            # Asterisk's first word in a new file.
            self.write(f"{START + self._rotated}|NONE|NONE|NONE|CONFIGRELOAD|\n".encode())


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.lists(st.integers(0, len(QUEUE)), max_size=8),
    rotations=st.sets(st.integers(0, QUEUE.count("\n")), max_size=3),
    part=st.sampled_from([200, 700, 100_000]),
)
def test_however_it_is_cut_each_line_is_taken_once(
    empty_file: Path, cuts: Sequence[int], rotations: set[int], part: int
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingest, "PART", part)
        shutil.copy(empty_file, f"{folder}/centralino.sqlite")
        found = Settings(home=Path(folder))
        (found.asterisk_log / "cdr-custom").mkdir(parents=True)
        legs_file(found).write_text(RECORDS, encoding="utf-8")
        engine = db.connect(f"sqlite:///{folder}/centralino.sqlite")
        sessions = db.sessions(engine)
        writer, position = Writer(queue_file(found)), 0
        for number, line in enumerate(QUEUE.splitlines(keepends=True)):
            if number in rotations:
                writer.rotate()
            inside = sorted({cut - position for cut in cuts if position < cut < position + len(line)})
            for begin, end in zip([0, *inside], [*inside, len(line)], strict=True):
                writer.write(line[begin:end].encode())
                if end != len(line) or position + end in cuts:
                    take_in(sessions, found, now=NOW)
            position += len(line)
        take_in(sessions, found, now=NOW)
        assert [line for line in events(sessions) if "CONFIGRELOAD" not in line] == QUEUE.splitlines()
        assert stays(sessions) == STAYS
        engine.dispose()


@pytest.fixture(scope="module")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "centralino.sqlite"
    db.migrate(f"sqlite:///{path}")
    return path


def test_two_workers_and_one_that_is_killed(town: Sessions, tmp_path: Path) -> None:
    found = Settings(home=tmp_path)
    (found.asterisk_log / "cdr-custom").mkdir(parents=True)
    writer, rows = Writer(queue_file(found)), []

    def write(numbers: range) -> None:
        for number in numbers:
            lines = [
                f"{START + number}|{number}.0|desk|NONE|ENTERQUEUE||+39333{number:07d}|1",
                f"{START + number + 1}|{number}.0|desk|NONE|ABANDON|1|1|1",
            ]
            rows.extend(lines)
            writer.write("".join(f"{line}\n" for line in lines).encode())

    url = url_of(town)
    with worker(tmp_path, url), worker(tmp_path, url) as second:
        write(range(200))
        wait_until(lambda: len(events(town)) > 0)
        second.send_signal(signal.SIGKILL)
        write(range(200, 400))
        writer.rotate()
        write(range(400, 500))
        wait_until(lambda: len(stays(town)) == 500)
    assert sorted(line for line in events(town) if "CONFIGRELOAD" not in line) == sorted(rows)


def test_a_missing_folder_is_no_error(sessions: Sessions, tmp_path: Path) -> None:
    assert take_in(sessions, Settings(home=tmp_path / "nowhere"), now=NOW + timedelta(1)) == Taken()
