"""Requests on the web: certificates and reports are filed, requests are read."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk import models
from desk.applicants import Outsider, Whose, outsider_with
from desk.certificates import CertificateOrder, NotInRegister, active_kinds, file_certificate
from desk.citizens import citizen_with_tax_code, withdraw_consents_of
from desk.complaints import ReportOrder, file_report
from desk.look_up import requests_of
from desk.models import Delivery, IdentifiedBy, Scope, Stamp, Subject
from desk.payments import owed
from desk.phone_numbers import is_mobile, to_e164
from desk.requests import request_by_reference
from webhooks.api.operations import Asked, Operation
from webhooks.problems import INVALID, NOT_IN_REGISTER, RESIDENTS_ONLY, UNKNOWN, Refused, wrong
from webhooks.schemas import (
    Applicant,
    CertificateKind,
    CertificateKinds,
    CertificateRequest,
    ConsentWithdrawal,
    Contact,
    EnrolmentRequest,
    FiledRequest,
    FiledRequests,
    LookUp,
    ReportCategories,
    ReportCategory,
    ReportRequest,
    RoomRequest,
    WithdrawnConsents,
)

#: Requests of one citizen that are shown at most, the newest first.
SHOWN = 100


def who_asks(session: Session, tax_code: str, applicant: Applicant | None) -> dict[str, Any]:
    """What an order says of who asks: a citizen of the register, or who has signed in, or the refusal."""
    citizen = citizen_with_tax_code(session, tax_code)
    if citizen is not None:
        return {"citizen_id": citizen.id}
    if applicant is None:
        raise Refused(NOT_IN_REGISTER)
    try:
        outsider = outsider_with(tax_code)
    except ValueError as e:
        raise wrong("/tax_code", "no such tax code can exist") from e
    name = f"{applicant.family_name} {applicant.given_name}"
    return {"applicant": name, "applicant_tax_code": outsider.tax_code}


def whose(session: Session, tax_code: str) -> Whose:
    """Whose requests and appointments are asked for; of who has asked for nothing there are none."""
    citizen = citizen_with_tax_code(session, tax_code)
    return citizen.id if citizen else Outsider(tax_code.upper())


def number_of(contact: Contact) -> str | None:
    """The contact's number in E.164, or the refusal."""
    return _number(contact.phone, "/contact/phone")


def _number(phone: str | None, pointer: str) -> str | None:
    if phone is None:
        return None
    number = to_e164(phone)
    if number is None:
        raise wrong(pointer, "no such telephone number can exist")
    return number


def consent_of(contact: Contact, number: str | None) -> tuple[bool, str | None]:
    """Whether a receipt can be texted, and the version of the text by which that was agreed to just now."""
    textable = number is not None and is_mobile(number)
    return textable, contact.sms_consent if textable else None


def ordered_by(
    session: Session, body: CertificateRequest | EnrolmentRequest | RoomRequest, asked: Asked
) -> dict[str, Any]:
    """What every :class:`~desk.receipts.CitizenOrder` says of who orders, and how."""
    number = number_of(body.contact)
    sms, consent = consent_of(body.contact, number)
    return {
        **who_asks(session, body.tax_code, body.applicant),
        # Who signs in with SPID or CIE is known by the tax code.
        "identified_by": IdentifiedBy.TAX_CODE,
        "contact_e164": number,
        "language": body.contact.language,
        "channel": models.Channel.WEB,
        "idempotency_key": asked.key,
        "sms": sms,
        "consent_text": consent,
    }


def _certificate_kinds(session: Session, _: None, __: Asked) -> CertificateKinds:
    return CertificateKinds(
        items=[
            CertificateKind(
                code=kind.code,
                stamp_duty=f"{kind.stamp_duty:.2f}",
                secretary_fee=f"{kind.secretary_fee:.2f}",
                working_days=kind.working_days,
            )
            for kind in active_kinds(session)
        ]
    )


def _report_categories(session: Session, _: None, __: Asked) -> ReportCategories:
    rows = session.scalars(
        select(models.ReportCategory)
        .where(models.ReportCategory.active)
        .order_by(models.ReportCategory.position)
    )
    return ReportCategories(
        items=[
            ReportCategory(
                code=row.code,
                name_it=row.name_it,
                name_en=row.name_en or row.name_it,
                working_days=row.working_days,
            )
            for row in rows
        ]
    )


def _file_certificate(session: Session, body: CertificateRequest, asked: Asked) -> FiledRequest:
    kind = next((kind for kind in active_kinds(session) if kind.code == body.certificate), None)
    if kind is None:
        raise wrong("/certificate", "no such certificate is on offer")
    paid = Stamp.EXEMPT if body.exempt else Stamp.PAID
    order = CertificateOrder(
        **ordered_by(session, body, asked),
        kind=kind.code,
        subject=Subject.OTHER if body.subject_name else Subject.SELF,
        subject_name=body.subject_name,
        copies=body.copies,
        delivery=Delivery(body.delivery),
        stamp=Stamp.FREE if kind.civil_status else paid,
    )
    try:
        return shown(file_certificate(session, order, now=asked.now))
    except NotInRegister as e:
        raise Refused(RESIDENTS_ONLY) from e


def _file_report(session: Session, body: ReportRequest, asked: Asked) -> FiledRequest:
    category = session.get(models.ReportCategory, body.category)
    if category is None or not category.active:
        raise wrong("/category", "nothing can be reported under that code")
    number = number_of(body.contact)
    if body.call_back and number is None:
        raise wrong("/contact/phone", "calling back needs a number")
    who: dict[str, Any] = {}
    # Nobody has to say who reports.
    with suppress(Refused):
        who = who_asks(session, body.tax_code, body.applicant) if body.tax_code else {}
    order = ReportOrder(
        category=category.code,
        place=body.place,
        message=body.message,
        call_back=body.call_back,
        contact_e164=number,
        language=body.contact.language,
        channel=models.Channel.WEB,
        idempotency_key=asked.key,
        **who,
    )
    return shown(file_report(session, order, now=asked.now))


def _request(session: Session, _: None, asked: Asked) -> FiledRequest:
    request = request_by_reference(session, asked.path["reference"])
    if request is None:
        raise Refused(UNKNOWN)
    return shown(request)


def _requests_of_citizen(session: Session, body: LookUp, _: Asked) -> FiledRequests:
    who = whose(session, body.tax_code)
    return FiledRequests(items=[shown(request) for request in requests_of(session, who, limit=SHOWN)])


def _withdraw_consents(session: Session, body: ConsentWithdrawal, asked: Asked) -> WithdrawnConsents:
    number = _number(body.phone, "/phone")
    withdrawn = withdraw_consents_of(
        session,
        citizen_with_tax_code(session, body.tax_code) or Outsider(body.tax_code.upper()),
        how=models.Channel.WEB.value,
        by=asked.key,
        now=asked.now,
        purpose=models.Purpose(body.purpose) if body.purpose else None,
        e164=number,
    )
    return WithdrawnConsents(withdrawn=withdrawn)


def shown(request: models.Request) -> FiledRequest:
    """The request as programs see it."""
    return FiledRequest(
        reference=request.reference,
        kind=request.kind.value,
        channel=request.channel.value,
        state=request.state.value,
        filed_at=request.filed_at,
        due_on=request.due_on,
        owed=f"{owed(request):.2f}",
    )


OPERATIONS = (
    Operation(
        name="list_certificate_kinds",
        method="GET",
        path="/certificate-kinds",
        summary="The certificates on offer",
        scope=None,
        answer=CertificateKinds,
        handler=_certificate_kinds,
    ),
    Operation(
        name="list_report_categories",
        method="GET",
        path="/report-categories",
        summary="What can be reported",
        scope=None,
        answer=ReportCategories,
        handler=_report_categories,
    ),
    Operation(
        name="file_certificate",
        method="POST",
        path="/certificates",
        summary="Ask for a certificate",
        scope=Scope.CERTIFICATES_WRITE,
        body=CertificateRequest,
        answer=FiledRequest,
        status=201,
        changes=True,
        handler=_file_certificate,
        problems=(NOT_IN_REGISTER, RESIDENTS_ONLY),
    ),
    Operation(
        name="file_report",
        method="POST",
        path="/reports",
        summary="Report something, or complain",
        scope=Scope.REPORTS_WRITE,
        body=ReportRequest,
        answer=FiledRequest,
        status=201,
        changes=True,
        handler=_file_report,
        problems=(INVALID,),
    ),
    Operation(
        name="read_request",
        method="GET",
        path="/requests/{reference}",
        summary="Where a request stands",
        scope=Scope.REQUESTS_READ,
        answer=FiledRequest,
        looks=True,
        handler=_request,
        problems=(UNKNOWN,),
    ),
    Operation(
        name="look_up_requests",
        method="POST",
        path="/requests/look-up",
        summary="A citizen's requests of all channels, the newest first",
        scope=Scope.REQUESTS_READ,
        body=LookUp,
        answer=FiledRequests,
        looks=True,
        handler=_requests_of_citizen,
    ),
    Operation(
        name="withdraw_consent",
        method="POST",
        path="/consents/withdraw",
        summary="Send a citizen no more messages",
        scope=Scope.CONSENTS_WRITE,
        body=ConsentWithdrawal,
        answer=WithdrawnConsents,
        changes=True,
        handler=_withdraw_consents,
    ),
)
