"""What is changed on the pages reaches a running Asterisk by itself, and calls go on meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from desk.db import transaction
from desk.exchange_rules import PhoneOrder, add_phone, remove_phone
from desk.models import Tier
from tests.live.harness import System, wait_until

pytestmark = pytest.mark.live


def test_a_phone_that_is_added_rings_without_a_restart(system: System) -> None:
    system.kill_agi()
    back_office = system.phone("201", answer_after=0)
    with system.worker():
        call = system.call()
        back_office.answered()
        now = datetime.now(UTC)
        with transaction(system.database) as session:
            order = PhoneOrder(Tier.COUNTER, "Sportello 5", 20, may_override=False)
            add_phone(session, "105", order, by="admin", now=now)
            remove_phone(session, "104", by="admin", now=now)
        wait_until(lambda: "PJSIP/105" in system.ask("queue show desk"), "the queue knows the new phone")
        assert "PJSIP/104" not in system.ask("queue show desk")
        assert "105" in system.ask("dialplan show 105@phones")
        wait_until(lambda: "105/105" in system.ask("pjsip show endpoints"), "the new phone may register")
        # Nobody was cut off by it.
        assert "1 active call" in system.ask("core show channels")
        call.hang_up()
