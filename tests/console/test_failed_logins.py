from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from console import failed_logins
from console.failed_logins import FIRST_WAIT, FORGET_AFTER, FREE_TRIES, LONGEST_WAIT, FailedLogins

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
NONE = timedelta(0)


def test_a_few_wrong_passwords_cost_nothing() -> None:
    failed = FailedLogins()

    assert [failed.wait("anna", NOW) for _ in range(FREE_TRIES)] == [NONE] * FREE_TRIES
    assert failed.wait("anna", NOW) == FIRST_WAIT


def test_the_wait_runs_out_and_doubles_up_to_a_limit() -> None:
    failed = FailedLogins()
    now = NOW
    for _ in range(FREE_TRIES):
        failed.wait("anna", now)
    waits = []
    for _ in range(8):
        left = failed.wait("anna", now)
        waits.append(left)
        assert failed.wait("anna", now + left - timedelta(seconds=1)) == timedelta(seconds=1)
        now += left
        assert failed.wait("anna", now) == NONE

    assert waits[:3] == [FIRST_WAIT, FIRST_WAIT * 2, FIRST_WAIT * 4]
    assert waits[-1] == waits[-2] == LONGEST_WAIT


def test_the_right_password_clears_the_count() -> None:
    failed = FailedLogins()
    for _ in range(FREE_TRIES):
        failed.wait("anna", NOW)
    failed.succeeded("anna")

    assert [failed.wait("anna", NOW) for _ in range(FREE_TRIES)] == [NONE] * FREE_TRIES


def test_logins_are_counted_apart_and_without_regard_to_case() -> None:
    failed = FailedLogins()
    for _ in range(FREE_TRIES):
        failed.wait("anna", NOW)

    assert failed.wait("ANNA", NOW) == FIRST_WAIT
    assert failed.wait("bruno", NOW) == NONE


def test_old_failures_are_forgotten() -> None:
    failed = FailedLogins()
    for _ in range(FREE_TRIES):
        failed.wait("anna", NOW)

    later = NOW + FORGET_AFTER + timedelta(seconds=1)
    assert [failed.wait("anna", later) for _ in range(FREE_TRIES)] == [NONE] * FREE_TRIES


def test_guesses_sent_at_the_same_moment_are_all_counted() -> None:
    failed = FailedLogins()
    with ThreadPoolExecutor(16) as pool:
        waits = list(pool.map(lambda _: failed.wait("anna", NOW), range(64)))

    assert waits.count(NONE) == FREE_TRIES


def test_invented_logins_cannot_fill_the_memory() -> None:
    failed = FailedLogins()
    for n in range(failed_logins.REMEMBERED + 50):
        failed.wait(f"nobody{n}", NOW)

    assert len(failed._failures) == failed_logins.REMEMBERED
