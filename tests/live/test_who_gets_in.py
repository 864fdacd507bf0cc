"""Unknown callers and devices get nothing; phones reach each other and no one else."""

from __future__ import annotations

import re

import pytest

from call_routing.trial.sipp import CallFailed
from tests.live.harness import PATIENCE, Exchange

pytestmark = pytest.mark.live


def test_wrong_password_is_refused(exchange: Exchange) -> None:
    with pytest.raises(CallFailed) as refused:
        exchange.register("201", "wrong")
    assert refused.value.status == 401
    assert "Unavail" in exchange.ask("pjsip show endpoint 201")


def test_unknown_extension_cannot_register(exchange: Exchange) -> None:
    with pytest.raises(CallFailed) as refused:
        exchange.register("999", "wrong")
    assert refused.value.status in {401, 403, 404}


def test_phone_name_without_password_cannot_call(exchange: Exchange) -> None:
    call = exchange.call(caller="201")
    with pytest.raises(CallFailed) as refused:
        call.answered()
    assert refused.value.status == 401


def test_caller_from_an_unknown_address_gets_nothing(stranger_only: Exchange) -> None:
    call = stranger_only.call()
    with pytest.raises(CallFailed) as refused:
        call.answered()
    assert refused.value.status == 401


def test_phone_calls_phone(exchange: Exchange) -> None:
    counter = exchange.phone("102", answer_after=0)
    call = exchange.call_from_phone("201", "102")
    call.answered()
    counter.answered()


@pytest.mark.parametrize(
    "number", ["+390200000100", "00390200000100", "0230000000", "+393331234567", "112", "s", "999"]
)
def test_phone_cannot_dial_out(exchange: Exchange, number: str) -> None:
    call = exchange.call_from_phone("201", number)
    with pytest.raises(CallFailed) as refused:
        call.answered()
    assert refused.value.status == 404


def test_every_number_from_the_trunk_leads_to_the_switchboard(exchange: Exchange) -> None:
    # 101 and 201 are phones inside, but from outside they are a number like any other.
    back_office, counter = exchange.phone("201", answer_after=0), exchange.phone("101")
    exchange.call(number="101")
    back_office.device.wait_for("answered", PATIENCE)
    assert counter.events == []


def test_start_leaves_no_complaint(exchange: Exchange) -> None:
    assert exchange.complaints.count("WARNING") + exchange.complaints.count("ERROR") == 0, exchange.complaints


def test_everything_the_dialplan_uses_is_loaded(exchange: Exchange) -> None:
    # A missing module shows only when a call needs it.
    dialplan = exchange.ask("dialplan show")
    applications = set(re.findall(r"\d\. (\w+)\(", dialplan)) | set(re.findall(r"\?([A-Z]\w+)\(", dialplan))
    functions = set(re.findall(r"(?:\$\{|Set\()([A-Z]+(?:_[A-Z]+)*)\(", dialplan))
    assert {"Queue", "AGI", "Record", "ExecIf"} <= applications
    assert {"QUEUE_MEMBER", "FILE", "STAT", "FILTER", "TIMEOUT"} <= functions
    for application in applications:
        assert "Your application" not in exchange.ask(f"core show application {application}"), application
    for function in functions:
        assert "No function" not in exchange.ask(f"core show function {function}"), function


def test_asterisk_is_not_root(exchange: Exchange) -> None:
    assert exchange.asterisk_uid != 0


def test_no_number_of_a_caller_is_logged(exchange: Exchange) -> None:
    back_office = exchange.phone("201", answer_after=0)
    exchange.call(caller="+393331234567")
    back_office.answered()
    with pytest.raises(CallFailed):
        exchange.register("999", "wrong")
    out = (exchange.settings.home / "asterisk.out").read_text(encoding="utf-8")
    assert "3331234567" not in exchange.complaints + out
