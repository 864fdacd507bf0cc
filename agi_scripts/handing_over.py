"""Handing a call to a person: the caller says nothing twice.

The phone's display shows what it is about, in 30 ASCII characters: ``Stato pratica 12345674 [EN ID]``. It
never shows a name, not even an identified caller's: a display is read by whoever passes the counter, and many
phones keep a list of calls. That the citizen was identified in this call is said (``ID``), and that English
is spoken (``EN``); who it is stands behind a log-in.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from agi_scripts.call_context import CallContext
from agi_scripts.live_queue import AWAY
from agi_scripts.session import Session
from call_routing.names import Queue, Variable, interfaces, phone_queue
from desk.call_log import Event
from desk.hand_over import DISPLAY, Answer, HandedOver, hand_over
from desk.same_operator import last_operator
from ivr.conversation import Happening
from ivr.ports import CertificateDraft
from ivr.recording_notice import NODE as TOLD_OF_RECORDING

#: What a node is about, by the first part of its id. Other nodes (menus, identification) are about nothing.
TOPICS = {
    "requests": "Pratiche",
    "certificate": "Certificato",
    "find": "Stato pratica",
    "payment": "Pagamento",
    "appointments": "Appuntamento",
    "report": "Segnalazione",
    "sms": "Servizio SMS",
    "information": "Informazioni",
    "course": "Corso",
    "courses": "Corso",
    "room": "Sala",
    "rooms": "Sala",
}
CERTIFICATES = {
    "birth": "nascita",
    "marriage": "matrimonio",
    "death": "morte",
    "residence": "residenza",
    "family_status": "stato famiglia",
    "citizenship": "cittadinanza",
}
#: Who asked for a person at once.
NO_TOPIC = "Operatore"
#: A caller whose number is withheld, as a SIP user.
WITHHELD = "anonymous"
#: Parts of the ids of nodes at which something personal is typed, beside the secret steps.
_PERSONAL = ("identify", "last_digits")


def display(
    events: Sequence[Event], draft: CertificateDraft | None, *, language: str, identified: bool
) -> str:
    """What the operator's phone shows of a call with these events."""
    marks = [*(() if language == "it" else (language.upper(),)), *(("ID",) if identified else ())]
    after = f" [{' '.join(marks)}]" if marks else ""
    return f"{ascii_only(_topic(events, draft))[: DISPLAY - len(after)].strip()}{after}"


def ascii_only(text: str) -> str:
    """``text`` as any phone can show it: no accents, no quotes, nothing that ends a header."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "".join(letter for letter in plain if letter.isalnum() or letter in " .,:+-/")


def _topic(events: Sequence[Event], draft: CertificateDraft | None) -> str:
    topic = next((part for e in reversed(events) if (part := e.node.partition(".")[0]) in TOPICS), None)
    if topic is None:
        return NO_TOPIC
    if topic == "certificate":
        kind = draft.kind if draft else None
        return f"Cert. {CERTIFICATES.get(kind, kind)}" if kind else TOPICS[topic]
    reference = next(
        (e.detail for e in reversed(events) if _answered(e) and e.node == f"{topic}.reference"), ""
    )
    return f"{TOPICS[topic]} {reference}".strip()


def _answered(event: Event) -> bool:
    return event.event == Happening.ANSWERED.value


def answers(events: Sequence[Event]) -> tuple[Answer, ...]:
    """What was chosen and typed, without what is secret or personal."""
    return tuple(
        Answer(event.node, event.detail)
        for event in events
        if _answered(event)
        and not event.detail.endswith(" keys")
        and not any(part in event.node for part in _PERSONAL)
    )


def hand_to_person(
    session: Session,
    call: CallContext,
    events: Sequence[Event],
    draft: CertificateDraft | None,
) -> None:
    """Leave to the dialplan what the phones show and whom to try first; keep the rest with the call."""
    shown = display(events, draft, language=call.language, identified=call.identified)
    show(session, call.caller, shown)
    recordings = call.house.settings.recordings
    given = HandedOver(
        call.unique_id,
        call.now(),
        shown,
        identified=call.identified,
        citizen_id=call.citizen_id,
        answers=answers(events),
        draft_key=draft.key if draft else None,
        recordings=tuple(sorted(recordings.glob(f"{call.unique_id}-*.wav"))),
    )
    call.write(lambda s: hand_over(s, given))
    if any(event.node == TOLD_OF_RECORDING for event in events):
        session.set_variable(Variable.RECORD, "1")
    operator = _same_operator(session, call)
    if operator is not None:
        session.set_variable(Variable.OPERATOR, operator)


def show(session: Session, caller: str | None, text: str) -> None:
    """Let the phones that ring show ``text`` and the caller's number, unless it is withheld."""
    session.set_variable("CALLERID(name)", text)
    if caller is None or not session.variable("CALLERID(num-pres)").startswith("allowed"):
        # Asterisk shows nothing at all of a caller who is not to be shown: so there is nothing left to hide.
        session.set_variable("CALLERID(num)", WITHHELD)
        session.set_variable("CALLERID(pres)", "allowed")


def _same_operator(session: Session, call: CallContext) -> str | None:
    """The phone of the operator who knows the caller, if nobody waits and it is free."""
    town, caller = call.house.town(), call.caller
    if town is None or caller is None:
        return None
    rules = town.routing
    extension = call.read(
        lambda s: last_operator(
            s,
            caller,
            days=rules.same_operator_days,
            wrap_up_seconds=rules.wrap_up_seconds,
            now=call.now(),
        ),
        None,
    )
    if extension is None:
        return None
    # In the phone's queue: registered, not in a call, not paused. A pause may be of the desk's queue only.
    free = session.variable(f"QUEUE_MEMBER({phone_queue(extension)},free)")
    web, desk = interfaces(extension)
    # The phone in the page if there is one, else the one on the desk.
    away = session.variable(f"DEVICE_STATE({web})") in AWAY
    paused = session.variable(f"QUEUE_MEMBER({Queue.DESK},paused,{desk if away else web})")
    waiting = session.variable(f"QUEUE_WAITING_COUNT({Queue.DESK})")
    return extension if (free, paused, waiting) == ("1", "0", "0") else None
