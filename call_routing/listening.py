"""A supervisor listens to a talk, or whispers to its operator, who is told: on the page and by a sentence."""

from __future__ import annotations

from call_routing.ami import Ami
from call_routing.duties import phones_of
from call_routing.names import Context
from desk.places import Place

#: How the extensions of the two ways in begin, and of the way of the sentence to the operator; and that one.
LISTEN, WHISPER, TELL, TOLD = "listen", "whisper", "tell", "told"
#: Seconds for which the supervisor's phone rings.
RING = 20


def listen(ami: Ami, supervisor: Place, operator: Place, *, whisper: bool) -> None:
    """Tell the operator and ring the supervisor's phone; once it is picked up, the listening begins.

    Raises :class:`~call_routing.ami.Refused`.
    """
    phone = phones_of(operator)[0].partition("/")[2]
    ami.send_action(
        {
            "Action": "Originate",
            "Channel": f"Local/{TELL}{phone}@{Context.LISTENING}/n",
            "Context": Context.LISTENING,
            "Exten": TOLD,
            "Priority": "1",
            "Async": "true",
        }
    )
    ami.send_action(
        {
            "Action": "Originate",
            "Channel": phones_of(supervisor)[0],
            "Context": Context.LISTENING,
            "Exten": f"{WHISPER if whisper else LISTEN}{phone}",
            "Priority": "1",
            "Timeout": str(RING * 1000),
            "CallerID": f'"Ascolto" <{operator.extension}>',
            "Async": "true",
        }
    )
