"""Asking for a certificate: kind, whom it is about, who asks, copies, delivery, reference number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ivr.identification import identify
from ivr.ports import CertificateDraft, CertificateKind, Delivery, Desk, Filed, Identity, Subject
from ivr.steps import Dialog, Option, Prompt, choose, prompt, record, say

COPIES = 3
#: Certificates of one group in its menu. A town with more in a group leaves the rest to the operators.
MENU = 4
#: Longest spoken name of the person a certificate is about, seconds.
SPOKEN = 30


def certificate(desk: Desk, group: bool | None) -> Dialog[None]:
    """The whole request, from the draft of a broken-off call where the caller wants to go on with it.

    ``group`` is what the caller chose in the menu before: certificates of civil status, or the others.
    """
    kinds = {kind.code: kind for kind in desk.kinds()}
    yield from say("certificate.notice", prompt("certificate.notice"))
    draft = yield from _begin(desk, kinds)
    identity: Identity | None = None
    while True:
        draft = yield from _what(desk, draft, kinds, group)
        # Who changes the answers may have chosen the wrong group.
        group = None
        if identity is None:
            identity = yield from identify(desk)
        draft = yield from _how(desk, draft)
        sms = yield from receipt_by_sms(desk)
        if (yield from _confirm(draft, kinds)):
            break
        draft = CertificateDraft(draft.key)
        desk.keep(draft)
    yield from _file(desk, draft, identity, sms=sms)


def _begin(desk: Desk, kinds: dict[str, CertificateKind]) -> Dialog[CertificateDraft]:
    draft = desk.unfinished_certificate()
    if draft is not None and draft.kind in kinds:
        go_on = yield from choose(
            "certificate.resume",
            prompt("certificate.resume.intro"),
            options=(
                Option("1", value=True, said=prompt("certificate.resume.go_on")),
                Option("2", value=False, said=prompt("certificate.resume.anew")),
            ),
        )
        if go_on:
            return draft
        desk.drop(draft)
    return desk.new_certificate()


def _what(
    desk: Desk, draft: CertificateDraft, kinds: dict[str, CertificateKind], group: bool | None
) -> Dialog[CertificateDraft]:
    if draft.kind is None:
        kind = yield from _choose_kind(tuple(kinds.values()), group)
        draft = replace(draft, kind=kind.code, exempt=True if kind.free else None)
        desk.keep(draft)
    assert draft.kind is not None
    if draft.exempt is None:
        exempt = yield from choose(
            "certificate.stamp",
            prompt("certificate.stamp.intro", fee=kinds[draft.kind].fee),
            options=(
                Option("1", value=False, said=prompt("certificate.stamp.pay")),
                Option("2", value=True, said=prompt("certificate.stamp.exempt")),
            ),
        )
        draft = replace(draft, exempt=exempt)
        desk.keep(draft)
    if draft.subject is None:
        subject = yield from choose(
            "certificate.subject",
            prompt("certificate.subject.intro"),
            options=(
                Option("1", Subject.SELF, prompt("certificate.subject.self")),
                Option("2", Subject.OTHER, prompt("certificate.subject.other")),
            ),
        )
        spoken = None
        if subject is Subject.OTHER:
            recording = yield from record(
                "certificate.subject_name", prompt("certificate.subject_name"), longest=SPOKEN
            )
            spoken = recording.path
        draft = replace(draft, subject=subject, subject_spoken=spoken)
        desk.keep(draft)
    return draft


def _choose_kind(kinds: Sequence[CertificateKind], group: bool | None) -> Dialog[CertificateKind]:
    groups = {kind.civil_status for kind in kinds}
    if group is None:
        group = True in groups
        if len(groups) > 1:
            group = yield from choose(
                "certificate.group",
                options=(
                    Option("1", value=True, said=prompt("requests.civil_status")),
                    Option("2", value=False, said=prompt("requests.registry")),
                ),
            )
    offered = [kind for kind in kinds if kind.civil_status is group][:MENU]
    return (
        yield from choose(
            "certificate.kind",
            prompt("certificate.kind.intro"),
            options=[Option(str(key), kind, kind_prompt(kind.code)) for key, kind in enumerate(offered, 1)],
        )
    )


def kind_prompt(code: str) -> Prompt:
    """How a kind is offered in a menu."""
    return prompt(f"certificate.kind.{code}")


def _how(desk: Desk, draft: CertificateDraft) -> Dialog[CertificateDraft]:
    if draft.copies is None:
        copies = yield from choose(
            "certificate.copies",
            prompt("certificate.copies"),
            options=[Option(str(number), number) for number in range(1, COPIES + 1)],
        )
        draft = replace(draft, copies=copies)
        desk.keep(draft)
    if draft.delivery is None:
        delivery = yield from choose(
            "certificate.delivery",
            prompt("certificate.delivery.intro"),
            options=(
                Option("1", Delivery.COUNTER, prompt("certificate.delivery.counter")),
                Option("2", Delivery.HOME, prompt("certificate.delivery.home")),
            ),
        )
        draft = replace(draft, delivery=delivery)
        desk.keep(draft)
    return draft


def receipt_by_sms(desk: Desk) -> Dialog[bool]:
    """Whether a receipt is sent to the calling number; asks where it has not been agreed to before.

    A landline gets no receipt, which is told in this call, but news later.
    """
    if not desk.can_text():
        if desk.can_phone() and not desk.has_consent():
            yield from _offer_calls(desk)
        return False
    if desk.has_consent():
        return True
    agreed = yield from choose(
        "certificate.sms",
        prompt("certificate.sms.intro"),
        options=(
            Option("1", value=True, said=prompt("certificate.sms.yes")),
            Option("2", value=False, said=prompt("certificate.sms.no")),
        ),
        # Silence is not consent.
        otherwise=Option("", value=False),
    )
    if agreed:
        desk.give_consent()
    return agreed


def _offer_calls(desk: Desk) -> Dialog[None]:
    agreed = yield from choose(
        "certificate.voice",
        prompt("certificate.voice.intro"),
        options=(
            Option("1", value=True, said=prompt("certificate.voice.yes")),
            Option("2", value=False, said=prompt("certificate.voice.no")),
        ),
        otherwise=Option("", value=False),
    )
    if agreed:
        desk.give_consent()


def _confirm(draft: CertificateDraft, kinds: dict[str, CertificateKind]) -> Dialog[bool]:
    assert draft.kind is not None
    assert draft.copies is not None
    read_back = [
        prompt(f"certificate.read_back.{draft.kind}"),
        prompt(f"certificate.read_back.for_{draft.subject}"),
        prompt("certificate.read_back.copy")
        if draft.copies == 1
        else prompt("certificate.read_back.copies", copies=draft.copies),
        prompt(f"certificate.read_back.{draft.delivery}"),
    ]
    if not kinds[draft.kind].free:
        read_back.append(
            prompt("certificate.read_back.exempt")
            if draft.exempt
            else prompt("certificate.read_back.fee", fee=kinds[draft.kind].fee * draft.copies)
        )
    return (
        yield from choose(
            "certificate.confirm",
            prompt("certificate.confirm.intro"),
            *read_back,
            options=(
                Option("1", value=True, said=prompt("certificate.confirm.yes")),
                Option("2", value=False, said=prompt("certificate.confirm.no")),
            ),
        )
    )


def _file(desk: Desk, draft: CertificateDraft, identity: Identity, *, sms: bool) -> Dialog[None]:
    filed = desk.file_certificate(draft, identity, sms=sms)
    if not isinstance(filed, Filed):
        yield from say("certificate.spooled", prompt("certificate.spooled"), must_hear=True)
        return
    yield from say(
        "certificate.filed",
        prompt("certificate.filed"),
        *reference_twice(filed.reference),
        prompt("certificate.ready", day=filed.due_on),
        *sms_sent(sms),
        must_hear=True,
    )


def reference_twice(reference: str) -> tuple[Prompt, ...]:
    """The number of a request, told and repeated."""
    told = prompt("certificate.reference", ref=reference)
    return (told, prompt("certificate.again"), told)


def sms_sent(sms: bool) -> tuple[Prompt, ...]:
    """That the number comes by SMS too, where it does."""
    return (prompt("certificate.sms_sent"),) if sms else ()
