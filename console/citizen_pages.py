"""The register: finding a citizen, the card with everything current, consents, registering and changing.

Who is looked for is typed into forms only; a card's address has the number of its row, which says nothing
outside this system. Each look is in the audit, in the transaction that shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from http import HTTPStatus

from codicefiscale import codicefiscale
from flask import Blueprint, abort, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from console.changing import ChangingPages
from console.citizen_card import Card, read_card
from console.form_reading import Form
from console.language import language_of_visitor
from console.new_request_pages import CONSENT_TEXT
from console.person_search import LONGEST_NAME, LONGEST_TAX_CODE, person_asked
from console.routes import add_page
from desk.audit import AuditAction, note_look
from desk.citizens import add_number, change_citizen, register_citizen, remove_number
from desk.consents import give_consent, withdraw_consent
from desk.db import transaction
from desk.find_citizens import MOST, find_citizens
from desk.identity_card_rules import NoRule
from desk.identity_cards import register_card
from desk.models import Citizen, DocumentKind, Purpose
from desk.permissions import Permission
from desk.phone_numbers import is_mobile, to_call_back
from desk.preferences import remember_language
from desk.settings import ROME
from desk.telling import tell_passport_arrived

#: The text by which a citizen agrees at the counter to be called at a landline.
VOICE_TEXT = "counter-voice-1"
_LARGEST_ID = 2**31 - 1
#: Characters of what can change in a life.
_LONGEST = {"first_name": LONGEST_NAME, "last_name": LONGEST_NAME, "address": 160}


class CitizenPages(ChangingPages):
    """The pages about the citizens of the register."""

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the pages."""
        see, change = Permission.SEE_CITIZENS, Permission.CHANGE_CITIZENS
        for path, name, view, permission, method in (
            ("/citizens", "citizens", self.form, see, "GET"),
            ("/citizens", "find_citizen", self.find, see, "POST"),
            ("/citizens/new", "new_citizen", self.new, change, "GET"),
            ("/citizens/new", "register_citizen", self.register, change, "POST"),
            ("/citizens/<int:number>", "citizen", self.card, see, "GET"),
            ("/citizens/<int:number>/change", "change_citizen", self.change, change, "GET"),
            ("/citizens/<int:number>/change", "save_citizen", self.save, change, "POST"),
            ("/citizens/<int:number>/act", "citizen_act", self.act, change, "POST"),
        ):
            add_page(blueprint, path, name, view, permission, methods=[method])

    def form(self) -> ResponseReturnValue:
        """The search."""
        return self._search(self._form({}))

    def find(self) -> ResponseReturnValue:
        """Who was found; one who is alone leads to the card."""
        form = self._form()
        query = person_asked(form)
        if form.errors or not query.says_enough:
            return self._search(form, problem="find.too_little"), HTTPStatus.BAD_REQUEST
        with transaction(self._sessions) as db:
            found = find_citizens(db, query)
            for citizen in (*found,) or (None,):
                self._note(db, AuditAction.SEARCHED, citizen, "" if citizen else "not found")
        if not found:
            return self._search(form, problem="find.nobody"), HTTPStatus.NOT_FOUND
        if len(found) == 1:
            return redirect(url_for("console.citizen", number=found[0].id), 303)
        return render_template("citizen_list.html", found=found, full=len(found) == MOST)

    def card(self, number: int) -> ResponseReturnValue:
        """The card."""
        return self._card(number, self._form({}))

    def new(self) -> ResponseReturnValue:
        """The form of somebody who is not in the register."""
        return self._sheet(None, self._form({}))

    def register(self) -> ResponseReturnValue:
        """Add somebody to the register."""
        form = self._form()
        names = [form.text(name, longest) for name, longest in _LONGEST.items()]
        tax_code = "".join(form.text("tax_code", LONGEST_TAX_CODE).split()).upper()
        born = form.day("born")
        if tax_code and not codicefiscale.is_valid(tax_code):
            form.wrong("tax_code", "sheet.no_tax_code")
        elif (
            tax_code
            and "born" not in form.errors
            and _born(tax_code) != (born.year % 100, born.month, born.day)
        ):
            form.wrong("born", "sheet.other_date")
        if born > self._clock().astimezone(ROME).date():
            form.wrong("born", "form.not_a_day")
        number = form.number("phone", required=False)
        if form.errors:
            return self._sheet(None, form), HTTPStatus.BAD_REQUEST
        try:
            with transaction(self._sessions) as db:
                citizen = register_citizen(
                    db,
                    tax_code=tax_code,
                    first_name=names[0],
                    last_name=names[1],
                    birth_date=born,
                    address=names[2],
                    phone_numbers=[number] if number else [],
                    now=self._clock(),
                )
                self._note(db, AuditAction.CHANGED, citizen, "registered")
                made = citizen.id
        except IntegrityError:
            form.wrong("tax_code", "sheet.known")
            return self._sheet(None, form), HTTPStatus.CONFLICT
        flash("sheet.registered", "success")
        return redirect(url_for("console.citizen", number=made), 303)

    def change(self, number: int) -> ResponseReturnValue:
        """The form with what is known."""
        with transaction(self._sessions) as db:
            citizen = self._citizen(db, number)
            self._note(db, AuditAction.VIEWED, citizen)
        known = {name: getattr(citizen, name) for name in ("first_name", "last_name", "address")}
        return self._sheet(citizen, self._form(known))

    def save(self, number: int) -> ResponseReturnValue:
        """Change name and address."""
        form = self._form()
        first_name, last_name, address = (form.text(name, longest) for name, longest in _LONGEST.items())
        with transaction(self._sessions) as db:
            citizen = self._citizen(db, number)
            if not form.errors:
                change_citizen(db, citizen, first_name=first_name, last_name=last_name, address=address)
                self._note(db, AuditAction.CHANGED, citizen, "name and address")
        if form.errors:
            return self._sheet(citizen, form), HTTPStatus.BAD_REQUEST
        flash("sheet.saved", "success")
        return redirect(url_for("console.citizen", number=number), 303)

    def act(self, number: int) -> ResponseReturnValue:
        """What is done on the card: numbers, consents, language, identity card, passport."""
        form = self._form()
        now = self._clock()
        acts: dict[str, Callable[[Session, Citizen, Form, datetime], str]] = {
            "add_number": self._add_number,
            "remove_number": self._remove_number,
            "give": self._give,
            "withdraw": self._withdraw,
            "language": self._set_language,
            "card": self._register_card,
            "passport": self._passport,
        }
        do = acts.get(form["act"])
        if do is None:
            abort(400)
        with transaction(self._sessions) as db:
            citizen = self._citizen(db, number)
            done = do(db, citizen, form, now)
            if form.errors:
                db.rollback()
            else:
                self._note(db, AuditAction.CHANGED, citizen, form["act"])
        if form.errors:
            return self._card(number, form), HTTPStatus.BAD_REQUEST
        flash(done, "success" if not done.endswith("_not") else "warning")
        return redirect(url_for("console.citizen", number=number), 303)

    def _add_number(self, db: Session, citizen: Citizen, form: Form, _now: datetime) -> str:
        number = form.number("number")
        if number is not None and not add_number(db, citizen, number):
            form.wrong("number", "citizen_card.number_known")
        return "citizen_card.number_added"

    def _remove_number(self, db: Session, citizen: Citizen, form: Form, now: datetime) -> str:
        if not remove_number(db, citizen, form["e164"], by=g.operator.login, now=now):
            abort(404)
        return "citizen_card.number_removed"

    def _give(self, db: Session, citizen: Citizen, form: Form, now: datetime) -> str:
        e164, purpose = _own(citizen, form), _purpose(form)
        text = CONSENT_TEXT if is_mobile(e164) else VOICE_TEXT
        if to_call_back(e164) != e164:
            form.wrong("number", "citizen_card.no_messages")
            return ""
        give_consent(
            db,
            e164=e164,
            citizen_id=citizen.id,
            purpose=purpose,
            text_version=text,
            how="counter",
            by=g.operator.login,
            now=now,
        )
        return "citizen_card.consent_given"

    def _withdraw(self, db: Session, citizen: Citizen, form: Form, now: datetime) -> str:
        withdraw_consent(
            db, e164=_own(citizen, form), purpose=_purpose(form), how="counter", by=g.operator.login, now=now
        )
        return "citizen_card.consent_withdrawn"

    def _set_language(self, db: Session, citizen: Citizen, form: Form, now: datetime) -> str:
        if form["language"] not in ("it", "en"):
            abort(400)
        remember_language(db, _own(citizen, form), form["language"], now)
        return "citizen_card.language_kept"

    def _register_card(self, db: Session, citizen: Citizen, form: Form, now: datetime) -> str:
        kind = next((kind for kind in DocumentKind if kind.value == form["kind"]), None)
        issued = form.day("issued_on")
        if kind is None:
            abort(400)
        if issued > now.astimezone(ROME).date():
            form.wrong("issued_on", "form.not_a_day")
        if form.errors:
            return ""
        try:
            register_card(db, citizen, kind=kind, issued_on=issued)
        except NoRule:
            form.wrong("issued_on", "citizen_card.no_rule")
        return "citizen_card.registered"

    def _passport(self, db: Session, citizen: Citizen, _form: Form, now: datetime) -> str:
        told = tell_passport_arrived(db, citizen.id, now=now)
        return "citizen_card.passport_told" if told else "citizen_card.passport_not"

    def _citizen(self, db: Session, number: int) -> Citizen:
        citizen = db.get(Citizen, number) if number <= _LARGEST_ID else None
        if citizen is None:
            abort(404)
        return citizen

    def _note(self, db: Session, action: AuditAction, citizen: Citizen | None, detail: str = "") -> None:
        note_look(
            db,
            by=g.operator.login,
            action=action,
            now=self._clock(),
            citizen_id=citizen.id if citizen else None,
            detail=detail,
        )

    def _search(self, form: Form, *, problem: str | None = None) -> str:
        return render_template("citizens.html", form=form, problem=problem, errors=form.errors)

    def _card(self, number: int, form: Form) -> str:
        with transaction(self._sessions) as db:
            card: Card | None = read_card(db, number, now=self._clock()) if number <= _LARGEST_ID else None
            if card is None:
                abort(404)
            self._note(db, AuditAction.VIEWED, card.citizen)
        return render_template(
            "citizen.html",
            card=card,
            citizen=card.citizen,
            form=form,
            errors=form.errors,
            purposes=list(Purpose),
            document_kinds=list(DocumentKind),
            language_now=language_of_visitor(),
            consent_text=CONSENT_TEXT,
            voice_text=VOICE_TEXT,
        )

    def _sheet(self, citizen: Citizen | None, form: Form) -> str:
        return render_template("citizen_sheet.html", citizen=citizen, form=form, errors=form.errors)


def _own(citizen: Citizen, form: Form) -> str:
    """The number in the form, if it is this citizen's."""
    if not any(number.e164 == form["e164"] for number in citizen.phone_numbers):
        abort(404)
    return form["e164"]


def _purpose(form: Form) -> Purpose:
    purpose = next((purpose for purpose in Purpose if purpose.value == form["purpose"]), None)
    if purpose is None:
        abort(400)
    return purpose


def _born(tax_code: str) -> tuple[int, int, int]:
    """Year of the century, month and day that a valid tax code says."""
    day: date = codicefiscale.decode(tax_code)["birthdate"]
    return day.year % 100, day.month, day.day
