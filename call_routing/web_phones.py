"""Phones in the operators' pages: their passwords, and calls whose page is gone.

A password lies in Asterisk's own database, where ``res_pjsip`` looks it up at each registration and call
(``asterisk-conf/sorcery.conf``): no reload, nothing for the call to wait for, and nothing lost in a restart.
"""

from __future__ import annotations

import contextlib
import json
import logging
import secrets
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from call_routing.ami import Ami, Event, Gone, Refused
from call_routing.live_view import RINGING
from call_routing.names import (
    CONSOLE_USER,
    START,
    TRUNK,
    TRY_IT,
    WEB_PHONE,
    WEB_PHONES,
    Context,
    Variable,
    web_phone,
)
from desk.settings import Settings

log = logging.getLogger(__name__)

#: A page asks for a new password well before this many seconds are over; the worker takes it away later.
SECONDS = 900
#: Seconds that a new line waits at most for a citizen who hears why the talk was cut, and between two looks.
RETURNING, LOOK = 12.0, 0.3
#: So many seconds a page that went away is waited for, and one that has its password, until it is registered.
BACK, REGISTERS = 15, 6
#: "Normal clearing", so that nobody takes it for a phone that rang in vain.
_CLEARING = "16"
_FAMILY = f"{WEB_PHONES}/auth"


@dataclass(frozen=True, slots=True, repr=False)
class Access:
    """With what a page registers. Never printed."""

    user: str
    password: str


@contextlib.contextmanager
def console_connection(settings: Settings, password: str) -> Iterator[Ami]:
    """A short connection to Asterisk as the console. Raises :class:`~call_routing.ami.Gone`."""
    with Ami(("127.0.0.1", settings.ami_port)) as ami:
        try:
            ami.login(CONSOLE_USER, password)
        except Refused as e:
            # An Asterisk with another keyring is none of ours.
            raise Gone("Asterisk does not let the console in") from e
        yield ami


def give_password(ami: Ami, user: str) -> Access:
    """A new password for that phone in a page; the one before is worth nothing from now on."""
    access = Access(user, secrets.token_urlsafe(24))
    value = {"auth_type": "digest", "username": access.user, "password": access.password}
    ami.send_action({"Action": "DBPut", "Family": _FAMILY, "Key": user, "Val": json.dumps(value)})
    return access


def take_password(ami: Ami, user: str) -> None:
    """That phone can neither register nor call any more."""
    with contextlib.suppress(Refused):
        # Refused where there is none.
        ami.send_action({"Action": "DBDel", "Family": _FAMILY, "Key": user})


def take_other_passwords(ami: Ami, extensions: Collection[str]) -> None:
    """Take away all passwords but those of the phones in pages at these places."""
    kept = {web_phone(extension) for extension in extensions} | {TRY_IT}
    try:
        found = ami.ask("DBGetTree", Family=_FAMILY)
    except Refused:
        # There is none at all.
        return
    for entry in found:
        user = entry["Key"].rpartition("/")[2]
        if user not in kept:
            take_password(ami, user)


def give_back_calls(ami: Ami, extension: str) -> int:
    """The page at that place is gone or begins anew: citizens in its calls go to the head of the queue.

    Every other call of it ends. Returns how many citizens were given back.
    """
    channels = ami.ask("CoreShowChannels")
    ours = [c for c in channels if c["Channel"].startswith(f"PJSIP/{web_phone(extension)}-")]
    citizens = {citizen["Channel"]: citizen for own in ours for citizen in _citizens_with(own, channels)}
    for name in citizens:
        log.info("the page at %s is gone: its caller goes back to the queue", extension)
        with contextlib.suppress(Refused):
            ami.send_action(
                {
                    "Action": "Redirect",
                    "Channel": name,
                    "Context": Context.RETURNED,
                    "Exten": START,
                    "Priority": "1",
                }
            )
    for own in ours:
        with contextlib.suppress(Refused):
            ami.send_action({"Action": "Hangup", "Channel": own["Channel"], "Cause": _CLEARING})
    return len(citizens)


def expect_page(ami: Ami, seconds: int) -> None:
    """A page is back within so many seconds: where there is nobody else, callers wait for it."""
    ami.send_action(
        {"Action": "Setvar", "Variable": Variable.PAGE_BACK, "Value": str(int(time.time()) + seconds)}
    )


def let_citizens_return(ami: Ami) -> None:
    """Wait until every citizen who was given back has heard why: then they are first in the queue.

    A phone that is ready before would take somebody from behind them.
    """
    end = time.monotonic() + RETURNING
    while time.monotonic() < end:
        if all(channel["Context"] != Context.RETURNED for channel in ami.ask("CoreShowChannels")):
            return
        time.sleep(LOOK)


def _citizens_with(own: Event, channels: Collection[Event]) -> Iterator[Event]:
    """The citizens who talk with that phone. While it still rings, the queue takes care of them."""
    if own["ChannelState"] == RINGING or not own["BridgeId"]:
        return
    bridges = {own["BridgeId"]}
    # A call-back goes through a pair of channels that joins two bridges.
    for channel in channels:
        if channel["BridgeId"] in bridges and channel["Channel"].startswith("Local/"):
            pair = channel["Channel"].rpartition(";")[0]
            bridges |= {c["BridgeId"] for c in channels if c["Channel"].startswith(f"{pair};")}
    for channel in channels:
        if channel["BridgeId"] in bridges - {""} and channel["Channel"].startswith(
            (f"PJSIP/{TRUNK}-", f"PJSIP/{TRY_IT}-")
        ):
            yield channel


def place_of(user: str) -> str:
    """The extension of the place of a phone in a page."""
    return user.removeprefix(WEB_PHONE)
