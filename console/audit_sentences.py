"""What a row of the audit says, as a sentence: by what was done and the row's detail.

The detail is written where something is looked at or changed, so a new one there wants its line here;
``tests/console/test_audit_pages.py`` finds every one in the code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from console.texts import Language, Texts
from desk.models import Audit, AuditAction


@dataclass(frozen=True, slots=True)
class _Said:
    """Details that match ``detail`` are told by the text ``audit_said.<key>``, with the groups' values."""

    action: AuditAction
    detail: re.Pattern[str]
    key: str
    #: The group of texts that a value's name stands in, by the name of the value.
    named: Mapping[str, str]


def _said(action: AuditAction, detail: str, key: str, **named: str) -> _Said:
    return _Said(action, re.compile(detail), key, MappingProxyType(named))


_LOGIN = r"(?P<login>\S+)"
_OPERATION = r"(?P<operation>[a-z]+(_[a-z]+)+)"

_SENTENCES: Sequence[_Said] = (
    _said(AuditAction.LISTED, "", "listed_requests"),
    _said(AuditAction.LISTED, r"agenda (?P<office>\S+) (?P<first>\S+) (?P<days>\d+)", "listed_agenda"),
    _said(AuditAction.LISTED, r"course (?P<code>\S+)", "listed_course"),
    _said(AuditAction.LISTED, "rooms", "listed_rooms"),
    _said(AuditAction.LISTED, "audit", "listed_audit"),
    _said(AuditAction.LISTED, r"calls (?P<count>\d+)", "listed_callers"),
    _said(AuditAction.VIEWED, "", "viewed"),
    _said(AuditAction.VIEWED, "slip", "viewed_slip"),
    _said(AuditAction.VIEWED, "caller card", "viewed_caller"),
    _said(AuditAction.VIEWED, r"call (?P<call>\S+)", "viewed_call"),
    _said(AuditAction.VIEWED, r"appointment (?P<reference>\S+)", "viewed_appointment"),
    _said(AuditAction.VIEWED, _OPERATION, "asked_by_site", operation="operation"),
    _said(AuditAction.HEARD, "said in a call", "heard_in_call"),
    _said(AuditAction.HEARD, r"appointment (?P<reference>\S+)", "heard_appointment"),
    _said(AuditAction.HEARD, rf"listened to (?P<extension>\S+) \({_LOGIN}\)", "listened"),
    _said(AuditAction.HEARD, rf"whispered to (?P<extension>\S+) \({_LOGIN}\)", "whispered"),
    _said(AuditAction.HEARD, r"(?P<recording>[a-z_]+)", "heard", recording="recording"),
    _said(AuditAction.SEARCHED, "", "searched"),
    _said(AuditAction.SEARCHED, "not found", "searched_in_vain"),
    _said(AuditAction.SEARCHED, r"agenda, (?P<count>\d+) found", "searched_for_agenda"),
    _said(AuditAction.SEARCHED, "identity card", "by_command_card"),
    _said(AuditAction.SEARCHED, "passport", "by_command_passport"),
    _said(AuditAction.SEARCHED, "consent", "by_command_consent"),
    _said(AuditAction.SEARCHED, rf"{_OPERATION}: not found", "asked_by_site_in_vain", operation="operation"),
    _said(AuditAction.DOWNLOADED, r"attachment (?P<number>\d+)", "downloaded_attachment"),
    _said(AuditAction.DOWNLOADED, "audit", "downloaded_audit"),
    _said(AuditAction.CHANGED, "filed", "filed"),
    _said(AuditAction.CHANGED, "registered", "registered"),
    _said(AuditAction.CHANGED, "name and address", "changed_name"),
    _said(AuditAction.CHANGED, r"(?P<act>[a-z_]+)", "changed_citizen", act="audit_act"),
    _said(AuditAction.EXPORTED, "page", "exported"),
    _said(AuditAction.EXPORTED, "command", "exported_by_command"),
    _said(AuditAction.ERASED, "page", "erased"),
    _said(AuditAction.ERASED, "command", "erased_by_command"),
    _said(AuditAction.OPERATOR_ADDED, rf"{_LOGIN} as (?P<role>\S+)", "operator_added", role="role"),
    _said(AuditAction.OPERATOR_CHANGED, _LOGIN, "operator_changed"),
    _said(
        AuditAction.OPERATOR_CHANGED,
        rf"{_LOGIN} from (?P<old>\S+) to (?P<new>\S+)",
        "operator_role",
        old="role",
        new="role",
    ),
    _said(AuditAction.OPERATOR_CHANGED, rf"{_LOGIN} shut out", "operator_shut_out"),
    _said(AuditAction.OPERATOR_CHANGED, rf"{_LOGIN} let in again", "operator_let_in"),
    _said(AuditAction.PASSWORD_RESET, _LOGIN, "password_reset"),
    _said(AuditAction.PASSWORD_CHANGED, _LOGIN, "password_changed"),
    _said(AuditAction.TWO_STEP_ON, _LOGIN, "two_step_on"),
    _said(AuditAction.TWO_STEP_OFF, _LOGIN, "two_step_off"),
    _said(AuditAction.SIGNED_OUT, _LOGIN, "signed_out"),
    _said(AuditAction.KEY_MADE, r"(?P<prefix>\S+)", "key_made"),
    _said(AuditAction.KEY_REVOKED, r"(?P<prefix>\S+)", "key_revoked"),
)


def sentence_of(action: AuditAction, detail: str) -> tuple[_Said, Mapping[str, str]] | None:
    """The sentence for a row and its values; ``None`` where nobody has written one."""
    for said in _SENTENCES:
        if said.action is action and (found := said.detail.fullmatch(detail)):
            return said, found.groupdict()
    return None


def told(row: Audit, texts: Texts, language: Language) -> str:
    """What the row says, in that language. One that is unknown shows its action and its detail."""
    found = sentence_of(row.action, row.detail)
    if found is None:
        action = texts.label(language, "audit_action", row.action)
        return f"{action} ({row.detail})" if row.detail else action
    said, values = found
    named = {
        name: texts.label(language, said.named[name], value) if name in said.named else value
        for name, value in values.items()
    }
    return texts.say(language, f"audit_said.{said.key}", **named)
