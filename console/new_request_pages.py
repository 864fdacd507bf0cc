"""A request that somebody makes at the counter, or of an operator on the telephone: the rules are the same.

Who asks is typed into forms only: by tax code, by name and birth date, or as nobody of the register.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from http import HTTPStatus

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.agenda_pages import service_name
from console.language import language_of_visitor
from console.routes import add_page
from console.texts import Texts
from console.typed import plain
from desk.audit import AuditAction, note_look
from desk.certificates import CertificateOrder, active_kinds, file_certificate
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
from desk.db import Sessions, reading, transaction
from desk.find_citizens import PersonQuery, find_citizens
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
from desk.phone_numbers import is_mobile, to_e164

#: The text by which a citizen agrees at the counter to be texted: ``consent_text`` in the pages' texts.
CONSENT_TEXT = "counter-1"
_LONGEST = {"text": 4000, "message": 4000, "key": 36, "first_name": 80, "last_name": 79}


@dataclass(slots=True)
class Form:
    """What was typed, cut to what fits, and what is wrong with it by field: keys of texts."""

    typed: Mapping[str, str]
    errors: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return plain(self.typed.get(name, ""), _LONGEST.get(name, 160))

    def wrong(self, name: str, key: str) -> None:
        """Note what is wrong with a field; the first thing counts."""
        self.errors.setdefault(name, key)

    def needs(self, name: str) -> str:
        """What was typed there; it is wrong where nothing was."""
        if not self[name]:
            self.wrong(name, "new.missing")
        return self[name]

    def day(self, name: str) -> date | None:
        """The date that was typed, of a person who can live."""
        if not self[name]:
            return None
        try:
            day = date.fromisoformat(self[name])
        except ValueError:
            day = date.min
        if not 1900 <= day.year < 2100:
            self.wrong(name, "new.no_date")
            return None
        return day

    def number(self, name: str) -> str | None:
        """The telephone number that was typed, in E.164."""
        if not self[name]:
            return None
        number = to_e164(self[name])
        if number is None:
            self.wrong(name, "new.no_number")
        return number


@dataclass(frozen=True, slots=True)
class _Asker:
    """Who asks, how that is known, and how he is reached."""

    citizen: Citizen | None
    applicant: str | None
    identified_by: IdentifiedBy
    number: str | None
    consents: bool


class NewRequestPages:
    """Choosing one of the twelve services, and its form."""

    def __init__(self, sessions: Sessions, texts: Texts, *, clock: Callable[[], datetime]) -> None:
        self._sessions = sessions
        self._texts = texts
        self._clock = clock

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
        return self._form(_kind(kind), Form({}), number=request.args.get("citizen", type=int))

    def file(self, kind: str) -> ResponseReturnValue:
        """File what was asked for; the same form sent twice is filed once."""
        wanted, form = _kind(kind), Form(request.form)
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
            return self._form(wanted, form, number=number), HTTPStatus.BAD_REQUEST
        flash("new.filed", "success")
        return redirect(url_for("console.request_detail", reference=reference), 303)

    def _asker(self, db: Session, form: Form, kind: RequestKind, number: int | None) -> _Asker | None:
        phone = form.number("phone")
        consents = form["sms"] == "yes"
        if consents and phone is None and "phone" not in form.errors:
            form.wrong("phone", "new.number_for_sms")
        if consents and phone is not None and not is_mobile(phone):
            form.wrong("phone", "new.no_mobile")
        at_counter = form["channel"] != Channel.PHONE
        by = IdentifiedBy.DOCUMENT if at_counter else IdentifiedBy.SPOKEN
        if number is not None:
            citizen = db.get(Citizen, number) if 0 < number < 2**31 else None
            return _Asker(citizen, None, by, phone, consents) if citizen else None
        name = f"{form['last_name']} {form['first_name']}".strip()
        if form["unregistered"] == "yes":
            if not form["last_name"] or not form["first_name"]:
                form.wrong("last_name", "new.name_missing")
                return None
            return _Asker(None, name, by, phone, consents)
        query = PersonQuery(tax_code=form["tax_code"], name=name, born=form.day("born"))
        if not query.says_enough:
            if name or form["born"]:
                form.wrong("born" if name else "last_name", "new.name_and_date")
                return None
            if _needs_person(kind):
                form.wrong("tax_code", "new.who")
                return None
            return _Asker(None, None, by, phone, consents)
        found = find_citizens(db, query)
        if len(found) != 1:
            field_ = "tax_code" if query.tax_code else "last_name"
            form.wrong(field_, "new.not_in_register" if not found else "new.several")
            return None
        if not at_counter:
            by = IdentifiedBy.TAX_CODE if query.tax_code else IdentifiedBy.BIRTH_DATE
        return _Asker(found[0], None, by, phone, consents)

    def _file(
        self, db: Session, kind: RequestKind, form: Form, asker: _Asker, now: datetime
    ) -> Request | None:
        """The request, or ``None`` where the form is wrong."""
        channel = Channel.PHONE if form["channel"] == Channel.PHONE else Channel.COUNTER
        language = "en" if form["language"] == "en" else "it"
        key = f"console {form['key'] or uuid.uuid4()}"
        by, done = g.operator.login, form["done"] == "yes"
        if kind is RequestKind.CERTIFICATE:
            order = self._certificate(db, form, asker, channel, language, key)
            if order is None:
                return None
            filed = file_certificate(db, order, now=now)
        elif kind is RequestKind.REPORT:
            report = self._report(db, form, asker, channel, language, key)
            if report is None:
                return None
            filed = file_report(db, report, now=now)
        else:
            text = form.needs("text")
            if form.errors:
                return None
            return file_at_counter(
                db,
                CounterOrder(
                    kind=kind,
                    text=text,
                    citizen_id=asker.citizen.id if asker.citizen else None,
                    applicant=asker.applicant,
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
            finish_at_counter(db, filed, applicant=asker.applicant, done=done, by=by, now=now)
        return filed

    def _certificate(
        self, db: Session, form: Form, asker: _Asker, channel: Channel, language: str, key: str
    ) -> CertificateOrder | None:
        kind = next((kind for kind in active_kinds(db) if kind.code == form["certificate"]), None)
        if kind is None:
            form.wrong("certificate", "new.missing")
        if form["copies"] not in ("1", "2", "3"):
            form.wrong("copies", "new.missing")
        if form["delivery"] not in set(Delivery):
            form.wrong("delivery", "new.missing")
        if form.errors or kind is None:
            return None
        paid = Stamp.EXEMPT if form["exempt"] == "yes" else Stamp.PAID
        return CertificateOrder(
            kind=kind.code,
            subject=Subject.OTHER if form["subject_name"] else Subject.SELF,
            subject_name=form["subject_name"] or None,
            copies=int(form["copies"]),
            delivery=Delivery(form["delivery"]),
            stamp=Stamp.FREE if kind.civil_status else paid,
            citizen_id=asker.citizen.id if asker.citizen else None,
            identified_by=asker.identified_by,
            contact_e164=asker.number,
            language=language,
            channel=channel,
            idempotency_key=key,
            # What is handed over now needs no receipt.
            sms=asker.number is not None and is_mobile(asker.number) and form["done"] != "yes",
            consent_text=CONSENT_TEXT if asker.consents else None,
        )

    def _report(
        self, db: Session, form: Form, asker: _Asker, channel: Channel, language: str, key: str
    ) -> ReportOrder | None:
        category = db.get(ReportCategory, form["category"])
        if category is None or not category.active:
            form.wrong("category", "new.missing")
        place, message = form.needs("place"), form.needs("message")
        if form["call_back"] == "yes" and asker.number is None:
            form.wrong("phone", "new.number_for_call_back")
        if form.errors or category is None:
            return None
        return ReportOrder(
            category=category.code,
            place=place,
            message=message,
            call_back=form["call_back"] == "yes",
            citizen_id=asker.citizen.id if asker.citizen else None,
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

    def _form(self, kind: RequestKind, form: Form, *, number: int | None) -> str:
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
            errors={name: self._texts.say(language, key) for name, key in form.errors.items()},
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
