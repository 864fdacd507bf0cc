"""A provider that knows us by name and password: a second Asterisk, with our trunk as a subscriber."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from call_routing import exchange
from call_routing.ami import Ami
from call_routing.names import AMI_USER, Context
from desk.cli.health import REGISTERED, examine
from tests.live.conftest import _bare_exchange
from tests.live.harness import PATIENCE, Exchange, wait_until

pytestmark = pytest.mark.live

#: Our name there, and a citizen's number.
NAME, CITIZEN = "201", "+393331234567"


@pytest.fixture
def provider() -> Iterator[Exchange]:
    """A provider with a telephone (102), a number that leads to us (300), and a citizen's own."""
    with _bare_exchange() as other:
        for step in (
            f"300,1,Set(CALLERID(num)={CITIZEN})",
            f"300,2,Dial(PJSIP/{NAME},20)",
            f"{CITIZEN},1,Answer()",
            f"{CITIZEN},2,Wait(20)",
        ):
            other.ask(f"dialplan add extension {step} into phones")
        yield other


@pytest.fixture
def subscriber(provider: Exchange) -> Iterator[Exchange]:
    """Our exchange, with a wrong password. It knows no address of the provider's."""
    uri = f"sip:127.0.0.1:{provider.settings.sip_port}"
    with _bare_exchange(
        trunk_uri=uri, trunk_user=NAME, trunk_password="wrong", trunk_addresses=("192.0.2.1/32",)
    ) as ours:
        yield ours


def stands(ours: Exchange, state: str) -> None:
    wait_until(lambda: exchange.registration(ours.settings) == state, f"the trunk is {state}")


def test_registered_called_and_calling(provider: Exchange, subscriber: Exchange) -> None:
    ours = subscriber
    stands(ours, "Rejected")
    (finding,) = (found for found in examine(ours.settings) if found.what == "trunk")
    assert not finding.ok
    assert "CENTRALINO_TRUNK_PASSWORD" in finding.remedy
    assert "wrong" not in repr(finding)

    # The right one. A reload alone would try again only after the pause that a refusal calls for.
    password = SecretStr(provider.keyring.phone_passwords[NAME])
    ours.settings = ours.settings.model_copy(update={"trunk_password": password})
    ours.reload()
    ours.ask("pjsip send register trunk")
    stands(ours, REGISTERED)
    (finding,) = (found for found in examine(ours.settings) if found.what == "trunk")
    assert finding.ok

    # A citizen calls us through the provider.
    operator = ours.phone("201", answer_after=0)
    citizen = provider.call_from_phone("102", "300")
    operator.answered()
    assert CITIZEN in operator.displays[0]
    citizen.hang_up()
    wait_until(lambda: not ours.calls(), "the line is free")

    # We call a citizen, as for a call-back: the provider asks who we are.
    with Ami(("127.0.0.1", ours.settings.ami_port)) as ami:
        ami.login(AMI_USER, ours.keyring.ami_password)
        ami.send_action(
            {
                "Action": "Originate",
                "Channel": "PJSIP/201",
                "Context": Context.CALLED_BACK,
                "Exten": CITIZEN,
                "Priority": "1",
                "Async": "true",
            }
        )
    wait_until(
        lambda: any(f"!{CITIZEN}!" in line and "!Up!" in line for line in provider.calls()),
        "the provider has put us through",
        2 * PATIENCE,
    )
