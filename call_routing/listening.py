"""A supervisor listens to a talk, or whispers to its operator, who is told so: on the page and by a tone."""

from __future__ import annotations

from call_routing.ami import Ami
from call_routing.names import Context, interfaces
from desk.places import Device, Place

#: How the extensions begin of the three ways in: the tone, listening, whispering.
TONE, LISTEN, WHISPER = "tone", "listen", "whisper"
#: Seconds for which the supervisor's phone rings.
RING = 20


def interface_of(place: Place) -> str:
    """The phone that is used at a place."""
    web, desk = interfaces(place.extension)
    return web if place.device is Device.WEB else desk


def listen(ami: Ami, supervisor: Place, operator: Place, *, whisper: bool) -> None:
    """Ring the supervisor's phone; once it is picked up, the operator hears a tone and the listening begins.

    Raises :class:`~call_routing.ami.Refused`.
    """
    phone = interface_of(operator).partition("/")[2]
    ami.send_action(
        {
            "Action": "Originate",
            "Channel": interface_of(supervisor),
            "Context": Context.LISTENING,
            "Exten": f"{WHISPER if whisper else LISTEN}{phone}",
            "Priority": "1",
            "Timeout": str(RING * 1000),
            "CallerID": f'"Ascolto" <{operator.extension}>',
            "Async": "true",
        }
    )
