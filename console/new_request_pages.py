"""A request that somebody makes at the counter, or of an operator on the telephone: the rules are the same.

Who asks is typed into forms only: by tax code, by name and birth date, or as nobody of the register.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.agenda_pages import service_name
from console.changing import ChangingPages
from console.form_reading import Form
from console.language import language_of_visitor
from console.person_search import person_asked
from console.routes import add_page
from desk.applicants import outsider_with
from desk.audit import AuditAction, note_look
from desk.certificates import CertificateOrder, NotInRegister, active_kinds, file_certificate
from desk.citizens import citizen_with_tax_code
from desk.complaints import ReportOrder, file_report
from desk.consents import give_consent
from desk.counter_requests import (
    COUNTER_KINDS,
    SERVICES,
    CounterOrder,
    file_at_counter,
    finish_at_counter,
    note_visit,
)
from desk.db import reading, transaction
from desk.find_citizens import find_citizens
from desk.models import (
    Channel,
    Citizen,
    Delivery,
    IdentifiedBy,
    Purpose,
    ReportCategory,
    Request,
    RequestKind,
    Stamp,
    Subject,
)
from desk.permissions import Permission
from desk.phone_numbers import is_mobile

#: The text by which a citizen agrees at the counter to be texted: ``consent_text`` in the pages' texts.
CONSENT_TEXT = "counter-1"
#: Characters of what is wanted, of a place, of another person's name, and of the key of a form.
LONGEST_TEXT, _LONGEST_PLACE, _LONGEST_SUBJECT, _LONGEST_KEY = 4000, 120, 120, 36


@dataclass(frozen=True, slots=True)
class _Asker:
    """Who asks, how that is known, and how he is reached."""

    citizen: Citizen | None
    #: Name and, where it was typed, tax code of who is not in the register.
    applicant: str | None
    applicant_tax_code: str | None
    identified_by: IdentifiedBy
    number: str | None
    consents: bool


class NewRequestPages(ChangingPages):
    """Choosing one of the twelve services, and its form."""

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the pages."""
        add_page(blueprint, "/requests/new", "new_request", self.choose, Permission.WORK_REQUESTS)
        for method, view in (("GET", self.form), ("POST", self.file)):
            add_page(
                blueprint,
                "/requests/new/<kind>",
                "new_request_form" if method == "GET" else "file_request",
                view,
                Permission.WORK_REQUESTS,
                methods=[method],
            )

    def choose(self) -> ResponseReturnValue:
        """The twelve services."""
        number = request.args.get("citizen", type=int)
        return render_template(
            "new_request.html", kinds=COUNTER_KINDS, citizen=self._citizen(number), number=number
        )

    def form(self, kind: str) -> ResponseReturnValue:
        """The form of one service."""
        return self._page(_kind(kind), self._form({}), number=request.args.get("citizen", type=int))

    def file(self, kind: str) -> ResponseReturnValue:
        """File what was asked for; the same form sent twice is filed once."""
        wanted, form = _kind(kind), self._form()
        number = request.form.get("citizen", type=int)
        now = self._clock()
        with transaction(self._sessions) as db:
            asker = self._asker(db, form, wanted, number)
            filed = None
            if asker is not None and not form.errors:
                filed = self._file(db, wanted, form, asker, now)
                if filed is None or form.errors:
                    db.rollback()
                    filed = None
                else:
                    self._agree(db, asker, now)
                    if form["channel"] != Channel.PHONE:
                        note_visit(db, filed, by=g.operator.login, now=now)
                    note_look(
                        db,
                        by=g.operator.login,
                        action=AuditAction.CHANGED,
                        now=now,
                        citizen_id=filed.citizen_id,
                        request_id=filed.id,
                        detail="filed",
                    )
            reference = filed.reference if filed else None
        if reference is None:
            return self._page(wanted, form, number=number), HTTPStatus.BAD_REQUEST
        flash("new.filed", "success")
        return redirect(url_for("console.request_detail", reference=reference), 303)

    def _asker(self, db: Session, form: Form, kind: RequestKind, number: int | None) -> _Asker | None:
        query = person_asked(form)
        phone, name = query.phone or None, query.name
        consents = form.ticked("sms")
        if consents and phone is None and "phone" not in form.errors:
            form.wrong("phone", "new.number_for_sms")
        if consents and phone is not None and not is_mobile(phone):
            form.wrong("phone", "new.no_mobile")
        at_counter = form["channel"] != Channel.PHONE
        by = IdentifiedBy.DOCUMENT if at_counter else IdentifiedBy.SPOKEN
        if number is not None:
            citizen = db.get(Citizen, number) if 0 < number < 2**31 else None
            return _Asker(citizen, None, None, by, phone, consents) if citizen else None
        if form.ticked("unregistered"):
            if not form["last_name"] or not form["first_name"]:
                form.wrong("last_name", "new.name_missing")
                return None
            code = self._outsiders_code(db, form)
            if form.errors:
                return None
            return _Asker(None, name, code, by, phone, consents)
        # The number is how who asks is reached; it may be anybody's.
        query = replace(query, phone="")
        if not query.says_enough:
            if name or form["born"]:
                form.wrong("born" if name else "last_name", "new.name_and_date")
                return None
            if _needs_person(kind):
                form.wrong("tax_code", "new.who")
                return None
            return _Asker(None, None, None, by, phone, consents)
        found = find_citizens(db, query)
        if len(found) != 1:
            field_ = "tax_code" if query.tax_code else "last_name"
            form.wrong(field_, "new.not_in_register" if not found else "new.several")
            return None
        if not at_counter:
            by = IdentifiedBy.TAX_CODE if query.tax_code else IdentifiedBy.BIRTH_DATE
        return _Asker(found[0], None, None, by, phone, consents)

    def _outsiders_code(self, db: Session, form: Form) -> str | None:
        """The tax code that was typed of somebody who is not in the register."""
        typed = "".join(form["tax_code"].split())
        if not typed:
            return None
        try:
            outsider = outsider_with(typed)
        except ValueError:
            form.wrong("tax_code", "sheet.no_tax_code")
            return None
        if citizen_with_tax_code(db, outsider.tax_code):
            form.wrong("tax_code", "new.in_register")
        return outsider.tax_code

    def _file(
        self, db: Session, kind: RequestKind, form: Form, asker: _Asker, now: datetime
    ) -> Request | None:
        """The request, or ``None`` where the form is wrong."""
        channel = Channel.PHONE if form["channel"] == Channel.PHONE else Channel.COUNTER
        language = "en" if form["language"] == "en" else "it"
        key = f"console {form.text('key', _LONGEST_KEY, required=False) or uuid.uuid4()}"
        by, done = g.operator.login, form.ticked("done")
        if kind is RequestKind.CERTIFICATE:
            order = self._certificate(db, form, asker, channel, language, key)
            if order is None:
                return None
            try:
                filed = file_certificate(db, order, now=now)
            except NotInRegister:
                form.wrong("certificate", "new.residents_only")
                return None
        elif kind is RequestKind.REPORT:
            report = self._report(db, form, asker, channel, language, key)
            if report is None:
                return None
            filed = file_report(db, report, now=now)
        else:
            text = form.lines("text", LONGEST_TEXT)
            if form.errors:
                return None
            return file_at_counter(
                db,
                CounterOrder(
                    kind=kind,
                    text=text,
                    citizen_id=asker.citizen.id if asker.citizen else None,
                    applicant=asker.applicant,
                    applicant_tax_code=asker.applicant_tax_code,
                    identified_by=asker.identified_by if asker.citizen or asker.applicant else None,
                    done=done,
                    contact_e164=asker.number,
                    language=language,
                    channel=channel,
                    idempotency_key=key,
                ),
                by=by,
                now=now,
            )
        if len(filed.periods) == 1:
            finish_at_counter(db, filed, done=done, by=by, now=now)
        return filed

    def _certificate(
        self, db: Session, form: Form, asker: _Asker, channel: Channel, language: str, key: str
    ) -> CertificateOrder | None:
        kind = next((kind for kind in active_kinds(db) if kind.code == form["certificate"]), None)
        if kind is None:
            form.wrong("certificate", "form.not_chosen")
        if form["copies"] not in ("1", "2", "3"):
            form.wrong("copies", "form.not_chosen")
        if form["delivery"] not in set(Delivery):
            form.wrong("delivery", "form.not_chosen")
        subject = form.text("subject_name", _LONGEST_SUBJECT, required=False)
        if form.errors or kind is None:
            return None
        paid = Stamp.EXEMPT if form.ticked("exempt") else Stamp.PAID
        return CertificateOrder(
            kind=kind.code,
            subject=Subject.OTHER if subject else Subject.SELF,
            subject_name=subject or None,
            copies=int(form["copies"]),
            delivery=Delivery(form["delivery"]),
            stamp=Stamp.FREE if kind.civil_status else paid,
            citizen_id=asker.citizen.id if asker.citizen else None,
            applicant=asker.applicant,
            applicant_tax_code=asker.applicant_tax_code,
            identified_by=asker.identified_by,
            contact_e164=asker.number,
            language=language,
            channel=channel,
            idempotency_key=key,
            # What is handed over now needs no receipt.
            sms=asker.number is not None and is_mobile(asker.number) and not form.ticked("done"),
            consent_text=CONSENT_TEXT if asker.consents else None,
        )

    def _report(
        self, db: Session, form: Form, asker: _Asker, channel: Channel, language: str, key: str
    ) -> ReportOrder | None:
        category = db.get(ReportCategory, form["category"])
        if category is None or not category.active:
            form.wrong("category", "form.not_chosen")
        place, message = form.text("place", _LONGEST_PLACE), form.lines("message", LONGEST_TEXT)
        if form.ticked("call_back") and asker.number is None:
            form.wrong("phone", "new.number_for_call_back")
        if form.errors or category is None:
            return None
        return ReportOrder(
            category=category.code,
            place=place,
            message=message,
            call_back=form.ticked("call_back"),
            citizen_id=asker.citizen.id if asker.citizen else None,
            applicant=asker.applicant,
            applicant_tax_code=asker.applicant_tax_code,
            contact_e164=asker.number,
            language=language,
            channel=channel,
            idempotency_key=key,
        )

    def _agree(self, db: Session, asker: _Asker, now: datetime) -> None:
        if not asker.consents or asker.number is None:
            return
        give_consent(
            db,
            e164=asker.number,
            citizen_id=asker.citizen.id if asker.citizen else None,
            purpose=Purpose.RECEIPTS,
            text_version=CONSENT_TEXT,
            how="counter",
            by=g.operator.login,
            now=now,
        )

    def _citizen(self, number: int | None) -> Citizen | None:
        """The citizen whose card led here."""
        if number is None:
            return None
        with transaction(self._sessions) as db:
            citizen = db.get(Citizen, number) if 0 < number < 2**31 else None
            if citizen is None:
                abort(404)
            note_look(
                db, by=g.operator.login, action=AuditAction.VIEWED, now=self._clock(), citizen_id=citizen.id
            )
            return citizen

    def _page(self, kind: RequestKind, form: Form, *, number: int | None) -> str:
        language = language_of_visitor()
        citizen = self._citizen(number)
        with reading(self._sessions) as db:
            certificates = [each.code for each in active_kinds(db)] if kind is RequestKind.CERTIFICATE else []
            categories = (
                db.scalars(
                    select(ReportCategory).where(ReportCategory.active).order_by(ReportCategory.position)
                ).all()
                if kind is RequestKind.REPORT
                else []
            )
        return render_template(
            "new_request_form.html",
            kind=kind,
            citizen=citizen,
            number=number,
            form=form,
            key=form["key"] or str(uuid.uuid4()),
            errors=form.errors,
            certificates=[(code, self._texts.label(language, "kind", code)) for code in certificates],
            categories=[(each.code, service_name(each)) for each in categories],
            needs_person=_needs_person(kind),
        )


def _kind(said: str) -> RequestKind:
    kind = next((kind for kind in COUNTER_KINDS if kind.value == said), None)
    if kind is None:
        abort(404)
    return kind


def _needs_person(kind: RequestKind) -> bool:
    if kind is RequestKind.CERTIFICATE:
        return True
    service = SERVICES.get(kind)
    return service is not None and service.identified
