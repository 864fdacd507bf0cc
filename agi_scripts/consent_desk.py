"""Consents of the calling number: :class:`ivr.sms_service.TextConsents` on the database."""

from __future__ import annotations

from sqlalchemy.orm import Session

from agi_scripts.call_context import CallContext
from desk.consents import Purpose, give_consent, has_consent, withdraw_consent
from ivr.sms_service import Texts

#: The versions of the text spoken at the node ``sms``: to a mobile, to a landline.
CONSENT_TEXT, VOICE_TEXT = "phone-sms-1", "phone-sms-voice-1"
HOW = "phone keypad"


class ConsentDesk:
    """See :class:`ivr.sms_service.TextConsents`."""

    def __init__(self, call: CallContext) -> None:
        self._call = call

    def agreed(self) -> frozenset[Texts] | None:
        to = self._call.mobile or self._call.landline
        if to is None:
            return None
        return self._call.read(
            lambda s: frozenset(texts for texts in Texts if has_consent(s, to, Purpose(texts.value))), None
        )

    def change(self, texts: Texts, *, agree: bool) -> bool:
        call, purpose = self._call, Purpose(texts.value)
        to = call.mobile or call.landline
        if to is None:
            return False

        def change(session: Session) -> bool:
            if agree:
                give_consent(
                    session,
                    e164=to,
                    citizen_id=None,
                    purpose=purpose,
                    text_version=CONSENT_TEXT if call.mobile else VOICE_TEXT,
                    how=HOW,
                    by=f"call {call.unique_id}",
                    now=call.now(),
                )
            else:
                withdraw_consent(
                    session,
                    e164=to,
                    purpose=purpose,
                    how=HOW,
                    by=f"call {call.unique_id}",
                    now=call.now(),
                )
            return True

        return call.commit(change, default=False)
