"""Citizens who hang up are called back in their turn: once, by the operator they waited for."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from desk.db import reading, transaction
from desk.desk_now import Member, PhoneState
from desk.models import CallBack, CallBackDetails, CallBackResult, CallBackState, RequestState
from desk.requests import change_state
from tests.live.harness import (
    CLOSED,
    OFFICE_LINE,
    PATIENCE,
    Call,
    DeskPhone,
    System,
    Telephone,
    melody,
    wait_until,
)

pytestmark = pytest.mark.live

#: How long the greeting may take until a voice mailbox has pressed nothing.
PATIENT = 60.0
#: Keys from the welcome to the offer of a call-back: a person, who is not there after hours.
TO_OFFER = "0"
#: Later that morning.
LATER = "2026-11-24T10:05+01:00"
#: Just before the desk closes, and the next opening.
LAST_MINUTE, NEXT_OPENING = "2026-11-24T12:44:45+01:00", "2026-11-25T09:00:01+01:00"


def _call_back(system: System, number: str) -> CallBack | None:
    with reading(system.database) as session:
        return session.scalar(select(CallBack).where(CallBack.e164 == number))


def _becomes(system: System, number: str, state: CallBackState, result: CallBackResult | None) -> None:
    def right() -> bool:
        found = _call_back(system, number)
        return found is not None and (found.state, found.last_result) == (state, result)

    wait_until(right, f"the call-back is {state} ({result})", PATIENT)


def _ask(system: System, caller: str) -> None:
    """After hours, a call-back is asked for to the calling number."""
    system.kill_agi()
    system.start_agi(CLOSED)
    call = system.call(caller=caller, keys=TO_OFFER)
    call.hear(system.prompt("call_back.offer.intro"))
    call.press("1")
    call.hear(system.prompt("call_back.filed.later"))
    call.over()
    assert system.request(caller).contact_e164 == caller
    with transaction(system.database) as session:
        # Asterisk's clock, which gives other callers their places, is the machine's.
        waiting = session.scalars(select(CallBack).where(CallBack.e164 == caller)).one()
        waiting.waiting_since = datetime.now(UTC) - timedelta(minutes=30)


def _talk(operator: Telephone, citizen: Telephone) -> None:
    """Both hear each other."""
    voice = melody(60, 1.5)
    citizen.sound.speak(voice)
    wait_until(lambda: operator.sound.contains(voice), "the operator hears the citizen")
    operator.sound.speak(voice)
    wait_until(lambda: citizen.sound.contains(voice), "the citizen hears the operator")


def _hang_up(system: System, phone: str) -> None:
    """The call on that phone ends."""
    (channel,) = (line.split("!")[0] for line in system.calls() if line.startswith(f"{phone}-"))
    system.ask(f"channel request hangup {channel}")


def _busy_desk(system: System) -> tuple[DeskPhone, Telephone, Call]:
    """The only operator talks to somebody; a citizen's telephone waits for the town's call."""
    system.kill_agi()
    operator, citizen = system.phone("201", answer_after=0), system.citizen(answer_after=0)
    talking = system.call(caller="+393337654321")
    operator.answered()
    return operator, citizen, talking


def _is_first(system: System) -> None:
    wait_until(lambda: "1. Local/" in system.ask("queue show desk"), "the call-back is first in the queue")


def _free(system: System, extension: str) -> None:
    wait_until(lambda: system.member(extension) == Member(PhoneState.FREE), f"{extension} is free")


def test_asked_for_and_talked_to(system: System, caller: str) -> None:
    _ask(system, caller)
    operator, citizen = system.phone("201", answer_after=0), system.citizen(answer_after=0.5)
    with system.worker():
        operator.answered()
        operator.sound.wait_for(system.prompt("called_back.calling"), timeout=PATIENCE)
        citizen.answered()
        citizen.sound.wait_for(system.prompt("called_back.greeting"), timeout=PATIENCE)
        citizen.sound.press("1")
        _becomes(system, caller, CallBackState.DONE, CallBackResult.SERVED)
        _talk(operator, citizen)
        _hang_up(system, "PJSIP/201")
        citizen.device.wait_for("ended", PATIENCE)
        wait_until(lambda: not system.calls(), "the line is free")
    # On the wire, in the INVITE to the operator's phone.
    assert operator.displays == [f"RICHIAMATA {caller}"]
    request = system.request(caller)
    assert request.state is RequestState.DONE
    assert operator.events.count("answered") == citizen.events.count("answered") == 1


@pytest.mark.parametrize("asked", ["by key", "unasked"])
def test_offered_while_waiting_and_the_place_is_kept(system: System, caller: str, asked: str) -> None:
    system.change_rules(call_back_after_seconds=1 if asked == "unasked" else 600)
    operator, citizen = system.phone("201", answer_after=0), system.citizen(answer_after=0)
    talking = system.call(caller="+393337654321", keys="0")
    operator.answered()
    call = system.call(caller=caller, keys="0")
    call.hear_begin(system.prompt("waiting.busy"), timeout=PATIENT)
    if asked == "by key":
        call.press("1")
    call.hear_begin(system.prompt("call_back.offer.intro"), timeout=PATIENT)
    call.press("1")
    if asked == "by key":
        # Who hangs up in the farewell has not given up: the call-back stands.
        call.hear_begin(system.prompt("call_back.filed.now"))
        call.hang_up()
    else:
        call.hear(system.prompt("call_back.filed.now"))
        call.over()
    wait_until(lambda: not any(caller in line for line in system.calls()), "the caller is gone")
    assert "|ABANDON|" not in system.queue_log
    entered = re.search(rf"(\d+)\|[\d.]+\|desk\|NONE\|ENTERQUEUE\|\|\{caller}", system.queue_log)
    assert entered
    found = _call_back(system, caller)
    assert found is not None
    assert abs(found.waiting_since.timestamp() - int(entered[1])) <= 1
    # The dialog's clock has gone on since it was opened.
    with system.worker(LATER):
        _is_first(system)
        talking.hang_up()
        citizen.answered()
        citizen.sound.wait_for(system.prompt("called_back.greeting"), timeout=PATIENCE)
        citizen.sound.press("1")
        _becomes(system, caller, CallBackState.DONE, CallBackResult.SERVED)
    assert operator.displays[1] == f"RICHIAMATA {caller}"


def test_whoever_calls_again_and_is_served_is_not_called_back(system: System, caller: str) -> None:
    _ask(system, caller)
    system.kill_agi()
    system.start_agi()
    # In vain once: the next try is far away.
    system.settings = system.settings.model_copy(update={"call_back_retry_seconds": 600})
    operator, citizen = system.phone("201", answer_after=0), system.citizen(busy=True)
    office = system.phone("301", answer_after=0)
    with system.worker():
        _becomes(system, caller, CallBackState.WAITING, CallBackResult.BUSY)
        _free(system, "201")
        # An office on its own number is not what the citizen waits for.
        elsewhere = system.call(caller=caller, number=OFFICE_LINE)
        office.answered()
        elsewhere.hang_up()
        again = system.call(caller=caller, keys=TO_OFFER)
        again.hear_begin(system.prompt("call_back.pending.intro"), timeout=PATIENT)
        found = _call_back(system, caller)
        assert found is not None
        assert found.state is CallBackState.WAITING
        # Hold the line.
        again.press("2")
        operator.device.wait_for("answered", PATIENT, times=2)
        _becomes(system, caller, CallBackState.DONE, CallBackResult.SERVED_MEANWHILE)
        again.hang_up()
    assert system.request(caller).state is RequestState.DONE
    assert citizen.events.count("refused") == 1


def test_busy_then_a_mailbox_then_it_is_left_to_the_operators(system: System, caller: str) -> None:
    _ask(system, caller)
    system.phone("201", answer_after=0)
    citizen = system.citizen(busy=True)
    with system.worker():
        citizen.device.wait_for("refused", PATIENCE)
        _becomes(system, caller, CallBackState.WAITING, CallBackResult.BUSY)
        citizen.device.close()
        mailbox = system.citizen(answer_after=0)
        mailbox.answered()
        _becomes(system, caller, CallBackState.WAITING, CallBackResult.NO_KEY)
        mailbox.device.close()
        again = system.citizen(busy=True)
        again.device.wait_for("refused", PATIENT)
        _becomes(system, caller, CallBackState.FAILED, CallBackResult.BUSY)
    request = system.request(caller)
    assert request.state is RequestState.RECEIVED
    assert isinstance(request.details, CallBackDetails)
    assert (request.details.tries, request.details.result) == (3, "busy")


def test_the_place_is_kept_against_who_came_later(system: System, caller: str) -> None:
    _ask(system, caller)
    operator, citizen, talking = _busy_desk(system)
    later = system.call(caller="+393337654322")
    wait_until(lambda: "has 1 calls" in system.ask("queue show desk"), "one waits")
    with system.worker():
        wait_until(lambda: "has 2 calls" in system.ask("queue show desk"), "the call-back waits too")
        _is_first(system)
        talking.hang_up()
        operator.device.wait_for("answered", PATIENCE, times=2)
        citizen.answered()
        assert not later.sound.has_heard(system.prompt("called_back.calling"))
        later.hang_up()


def test_who_calls_again_has_the_place_of_the_call_back(system: System, caller: str) -> None:
    # Both are to be in the queue when the operator comes free, and not to hear an announcement.
    system.change_rules(announce_seconds=60)
    _ask(system, caller)
    operator, citizen, talking = _busy_desk(system)
    system.start_agi()
    later = system.call(caller="+393337654322", keys=TO_OFFER)
    wait_until(lambda: "has 1 calls" in system.ask("queue show desk"), "one waits", PATIENT)
    with system.worker():
        _is_first(system)
        again = system.call(caller=caller, keys=TO_OFFER)
        again.hear_begin(system.prompt("call_back.pending.intro"), timeout=PATIENT)
        # Hold the line.
        again.press("2")
        wait_until(
            lambda: "Local/" not in system.ask("queue show desk"), "the call-back waits no more", PATIENT
        )
        wait_until(lambda: "has 2 calls" in system.ask("queue show desk"), "both citizens wait", PATIENT)
        talking.hang_up()
        operator.device.wait_for("answered", PATIENT, times=2)
        _becomes(system, caller, CallBackState.DONE, CallBackResult.SERVED_MEANWHILE)
        again.hang_up()
        operator.device.wait_for("answered", PATIENT, times=3)
        later.hang_up()
    assert system.request(caller).state is RequestState.DONE
    # The town has called nobody.
    assert citizen.events == []


def test_worker_killed_while_the_call_waits_in_the_queue(system: System, caller: str) -> None:
    _ask(system, caller)
    _, citizen, talking = _busy_desk(system)
    with system.worker() as worker:
        _is_first(system)
        worker.kill()
        worker.wait()
    with system.worker():
        wait_until(lambda: system.worker_output.count("connected to Asterisk") == 2, "it has looked")
        found = _call_back(system, caller)
        assert found is not None
        assert (found.state, found.attempts) == (CallBackState.QUEUED, 1)
        talking.hang_up()
        citizen.answered()
        citizen.sound.wait_for(system.prompt("called_back.greeting"), timeout=PATIENCE)
        citizen.sound.press("1")
        _becomes(system, caller, CallBackState.DONE, CallBackResult.SERVED)
    assert citizen.events.count("answered") == 1


def test_served_while_the_worker_is_down(system: System, caller: str) -> None:
    _ask(system, caller)
    _, citizen, talking = _busy_desk(system)
    with system.worker() as worker:
        _is_first(system)
        worker.kill()
        worker.wait()
    talking.hang_up()
    citizen.sound.wait_for(system.prompt("called_back.greeting"), timeout=PATIENCE)
    citizen.sound.press("1")
    wait_until(lambda: any(system.settings.call_backs.glob("*.txt")), "the result is noted")
    _hang_up(system, "PJSIP/201")
    wait_until(lambda: not system.calls(), "the line is free")
    with system.worker():
        _becomes(system, caller, CallBackState.DONE, CallBackResult.SERVED)
        wait_until(lambda: not any(system.settings.call_backs.iterdir()), "the note is put away")
    assert citizen.events.count("answered") == 1


def test_asterisk_restarted_while_the_call_waits(system: System, caller: str) -> None:
    _ask(system, caller)
    operator, citizen, _ = _busy_desk(system)
    with system.worker():
        _is_first(system)
        system.kill()
        operator.device.close()
        system.restart()
        system.phone("101", answer_after=0)
        citizen.device.wait_for("answered", PATIENT)
        found = _call_back(system, caller)
        assert found is not None
        assert found.attempts == 2


def test_cancelled_by_phone(system: System, caller: str) -> None:
    _ask(system, caller)
    again = system.call(caller=caller, keys=TO_OFFER)
    again.hear(system.prompt("call_back.pending.intro"))
    again.press("3")
    again.hear(system.prompt("call_back.cancelled"))
    again.hang_up()
    found = _call_back(system, caller)
    assert found is not None
    assert found.state is CallBackState.CANCELLED
    assert system.request(caller).state is RequestState.REJECTED


def test_an_operator_takes_the_request_and_the_call_leaves_the_queue(system: System, caller: str) -> None:
    _ask(system, caller)
    _busy_desk(system)
    with system.worker():
        _is_first(system)
        with transaction(system.database) as session:
            request = session.merge(system.request(caller))
            change_state(session, request, RequestState.IN_PROGRESS, by="anna", now=request.filed_at)
        wait_until(lambda: "No Callers" in system.ask("queue show desk"), "the call-back has left the queue")
        _becomes(system, caller, CallBackState.CANCELLED, None)


def test_closing_time_carries_it_to_the_next_opening(system: System, caller: str) -> None:
    _ask(system, caller)
    _, citizen, talking = _busy_desk(system)
    with system.worker(LAST_MINUTE):
        _is_first(system)
        wait_until(lambda: "No Callers" in system.ask("queue show desk"), "the desk closes", PATIENT)
        _becomes(system, caller, CallBackState.WAITING, CallBackResult.NO_OPERATOR)
        talking.hang_up()
        _free(system, "201")
        seen = system.queue_now()
        wait_until(lambda: system.queue_now() != seen, "the worker has looked again")
        assert citizen.events == []
    with system.worker(NEXT_OPENING):
        citizen.answered()


def test_only_one_for_a_number_and_no_premium_number(system: System, caller: str) -> None:
    _ask(system, caller)
    other = system.call(caller="+393337654321", keys=TO_OFFER)
    other.hear(system.prompt("call_back.offer.intro"))
    other.press("2")
    other.hear(system.prompt("call_back.number"))
    for wrong in ("899123456#", "112#"):
        other.press(wrong)
        other.hear(system.prompt("again.wrong"))
    other.hear(system.prompt("message.record"))
    other.hang_up()
    again = system.call(caller="+393337654322", keys=TO_OFFER)
    again.hear(system.prompt("call_back.offer.intro"))
    again.press("2")
    again.hear(system.prompt("call_back.number"))
    again.press(caller.removeprefix("+39") + "#")
    again.hear(system.prompt("call_back.check.intro", number=caller.removeprefix("+39")))
    again.press("1")
    again.hear(system.prompt("call_back.filed.later"))
    again.hang_up()
    assert len(system.requests(caller)) == 1


def test_asked_for_without_the_database(system: System, caller: str) -> None:
    system.kill_agi()
    system.start_agi(CLOSED)
    call = system.call(caller=caller, keys=TO_OFFER)
    call.hear(system.prompt("call_back.offer.intro"))
    with system.database_gone():
        call.press("1")
        call.hear(system.prompt("call_back.filed.later"))
        call.hang_up()
        wait_until(lambda: not system.calls(), "the line is free")
    assert system.requests(caller) == []
    with system.worker(CLOSED):
        system.request(caller)
        _becomes(system, caller, CallBackState.WAITING, None)
