"""What a citizen hears who is called and told something."""

from __future__ import annotations

import pytest

from ivr.sms_service import sms_service
from ivr.steps import prompt
from ivr.voice_notice import voice_notice
from tests.ivr.answering import desk
from tests.ivr.decided_voice_notices import DecidedNotice, all_notices
from tests.ivr.doubles import HANG_UP, SILENCE, converse

SAID = all_notices()[0].key


@pytest.mark.parametrize(
    ("keys", "noted", "heard"),
    [
        (["1", SILENCE], ["heard"], True),
        # Again, and then no more calls.
        (["1", "1", "9"], ["heard", "heard", "refused"], True),
        (["9"], ["refused"], False),
        # A mailbox, a wish for a person, and who hangs up hear nothing of it.
        ([SILENCE, SILENCE, SILENCE], [], False),
        (["0"], [], False),
        ([HANG_UP], [], False),
    ],
)
def test_only_who_presses_1_hears_it(keys: list[str], noted: list[str], heard: bool) -> None:
    notice = DecidedNotice()
    _, script, _ = converse(voice_notice(notice), keys)
    assert notice.noted == noted
    assert (SAID in script.heard) is heard


def test_a_landline_is_offered_calls_in_the_service_menu() -> None:
    _, script, _ = converse(sms_service(desk(can_text=False, can_phone=True)), ["1"])
    assert "sms.by_voice" in script.heard
    assert "sms.given" in script.heard
    assert prompt("sms.intro") not in script.prompts
