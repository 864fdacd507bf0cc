"""Who works here: operators added, changed, shut out, and helped when a password or a telephone is lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.language import language_of_visitor
from console.routes import add_page
from console.texts import Texts
from desk.audit import AuditAction, note_look
from desk.db import Sessions, reading, transaction
from desk.models import Operator, OperatorSession, Phone, Role, Tier
from desk.operator_sessions import end_sessions, open_sessions
from desk.operators import (
    LOGIN,
    TEMPORARY,
    LastAdministrator,
    LoginTaken,
    Place,
    add_operator,
    all_operators,
    change_operator,
    drop_two_step,
    give_password,
    let_in,
    reset_password,
    shut_out,
)
from desk.permissions import PERMISSIONS, Permission

#: The largest id PostgreSQL keeps.
_LARGEST_ID = 2**31 - 1
_LONGEST_NAME = 80
#: Tiers that people work in.
_TIERS = (Tier.BACK_OFFICE, Tier.COUNTER)

_COLUMNS = (
    "operators.name",
    "operators.login",
    "operators.role",
    "operators.place",
    "operators.two_step",
    "operators.last",
)


@dataclass(frozen=True, slots=True)
class _Typed:
    """What a form sent, checked; ``problems`` by field, keys of texts."""

    login: str
    name: str
    role: Role | None
    place: Place
    problems: Mapping[str, str]


class OperatorPages:
    """The pages about operators, for administrators."""

    def __init__(self, sessions: Sessions, texts: Texts, *, clock: Callable[[], datetime]) -> None:
        self._sessions = sessions
        self._texts = texts
        self._clock = clock

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the pages."""
        both, post = ("GET", "POST"), ("POST",)
        for path, name, view, methods in (
            ("", "operators", self.operators, ("GET",)),
            ("/new", "new_operator", self.new, both),
            ("/<int:number>", "operator", self.operator, both),
            ("/<int:number>/password", "operator_password", self.password, post),
            ("/<int:number>/two-step-off", "operator_two_step_off", self.two_step_off, post),
            ("/<int:number>/sign-out", "operator_sign_out", self.sign_out, post),
            ("/<int:number>/shut-out", "operator_shut_out", self.shut_out, post),
            ("/<int:number>/let-in", "operator_let_in", self.let_in, post),
        ):
            add_page(blueprint, f"/operators{path}", name, view, Permission.MANAGE_OPERATORS, methods=methods)

    def operators(self) -> ResponseReturnValue:
        """Everybody, with the roles and what each may do."""
        language = language_of_visitor()
        with reading(self._sessions) as db:
            begun = select(OperatorSession.operator_id, func.max(OperatorSession.began_at))
            last = dict(db.execute(begun.group_by(OperatorSession.operator_id)).all())
            return render_template(
                "operators.html",
                operators=all_operators(db),
                last=last,
                columns=[self._texts.say(language, key) for key in _COLUMNS],
                roles=[(role, [each for each in Permission if each in PERMISSIONS[role]]) for role in Role],
                permissions=list(Permission),
            )

    def new(self) -> ResponseReturnValue:
        """Add somebody; the first password is shown once."""
        with reading(self._sessions) as db:
            phones = _phones(db)
        if request.method == "GET":
            typed = _Typed("", "", Role.OPERATOR, Place(), {})
            return self._form(typed, phones, operator=None)
        typed = self._typed(phones, new=True)
        problems = dict(typed.problems)
        if typed.role and not problems:
            given = give_password()
            try:
                with transaction(self._sessions) as db:
                    operator = add_operator(
                        db,
                        given,
                        login=typed.login,
                        name=typed.name,
                        role=typed.role,
                        place=typed.place,
                        by=g.operator.login,
                        now=self._clock(),
                    )
                return self._shown_once(operator, given.password)
            except LoginTaken:
                problems["login"] = "operators.login_taken"
        return self._form(typed, phones, operator=None, problems=problems), 400

    def operator(self, number: int) -> ResponseReturnValue:
        """Change somebody."""
        with reading(self._sessions) as db:
            operator = _one(db, number)
            phones = _phones(db)
            sessions = len(open_sessions(db, operator.id, now=self._clock()))
        if request.method == "GET":
            typed = _Typed(
                operator.login,
                operator.name,
                operator.role,
                Place(operator.default_tier, operator.default_phone),
                {},
            )
            return self._form(typed, phones, operator=operator, sessions=sessions)
        typed = self._typed(phones, new=False)
        problems = dict(typed.problems)
        if typed.role and not problems:
            try:
                with transaction(self._sessions) as db:
                    change_operator(
                        db,
                        _one(db, number),
                        name=typed.name,
                        role=typed.role,
                        place=typed.place,
                        by=g.operator.login,
                        now=self._clock(),
                    )
                flash("operators.saved", "success")
                return redirect(url_for("console.operators"), 303)
            except LastAdministrator:
                problems["role"] = "operators.last_administrator"
        return self._form(typed, phones, operator=operator, problems=problems, sessions=sessions), 400

    def password(self, number: int) -> ResponseReturnValue:
        """A new password for one log-in, shown once."""
        given = give_password()
        with transaction(self._sessions) as db:
            operator = _one(db, number)
            reset_password(db, operator, given, by=g.operator.login, now=self._clock())
        return self._shown_once(operator, given.password)

    def two_step_off(self, number: int) -> ResponseReturnValue:
        """The telephone is lost."""
        with transaction(self._sessions) as db:
            drop_two_step(db, _one(db, number), by=g.operator.login, now=self._clock())
        return self._back(number, "operators.two_step_dropped")

    def sign_out(self, number: int) -> ResponseReturnValue:
        """End all sessions of somebody."""
        now = self._clock()
        with transaction(self._sessions) as db:
            operator = _one(db, number)
            end_sessions(db, operator.id, now=now)
            note_look(db, by=g.operator.login, action=AuditAction.SIGNED_OUT, now=now, detail=operator.login)
        return self._back(number, "operators.signed_out")

    def shut_out(self, number: int) -> ResponseReturnValue:
        """Let somebody in no longer."""
        try:
            with transaction(self._sessions) as db:
                shut_out(db, _one(db, number), by=g.operator.login, now=self._clock())
        except LastAdministrator:
            flash("operators.last_administrator", "danger")
            return redirect(url_for("console.operator", number=number), 303)
        return self._back(number, "operators.is_out")

    def let_in(self, number: int) -> ResponseReturnValue:
        """Let somebody in again."""
        with transaction(self._sessions) as db:
            let_in(db, _one(db, number), by=g.operator.login, now=self._clock())
        return self._back(number, "operators.is_in")

    def _back(self, number: int, told: str) -> ResponseReturnValue:
        flash(told, "success")
        return redirect(url_for("console.operator", number=number), 303)

    def _shown_once(self, operator: Operator, password: str) -> str:
        return render_template(
            "operator_password.html", person=operator, password=password, days=TEMPORARY.days
        )

    def _form(
        self,
        typed: _Typed,
        phones: Mapping[str, str],
        *,
        operator: Operator | None,
        problems: Mapping[str, str] | None = None,
        sessions: int = 0,
    ) -> str:
        language = language_of_visitor()
        nothing = ("", self._texts.say(language, "operators.anywhere"))
        return render_template(
            "operator.html",
            person=operator,
            typed=typed,
            problems=problems or {},
            sessions=sessions,
            roles=[(role.value, self._texts.label(language, "role", role)) for role in Role],
            tiers=[nothing, *((tier.value, self._texts.label(language, "tier", tier)) for tier in _TIERS)],
            phones=[nothing, *phones.items()],
            longest_name=_LONGEST_NAME,
        )

    def _typed(self, phones: Mapping[str, str], *, new: bool) -> _Typed:
        problems: dict[str, str] = {}
        login = request.form.get("login", "").strip().casefold() if new else ""
        name = " ".join(request.form.get("name", "").split())
        role, tier, phone = (request.form.get(field, "") for field in ("role", "tier", "phone"))
        if new and not LOGIN.fullmatch(login):
            problems["login"] = "operators.login_rule"
        if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
            problems["name"] = "operators.name_rule"
        # Only a crafted form sends another choice than the page offers.
        if role not in set(Role) or tier not in {"", *_TIERS} or phone not in {"", *phones}:
            abort(400)
        return _Typed(login, name, Role(role), Place(Tier(tier) if tier else None, phone or None), problems)


def _one(db: Session, number: int) -> Operator:
    operator = db.get(Operator, number) if number <= _LARGEST_ID else None
    if operator is None:
        abort(404)
    return operator


def _phones(db: Session) -> Mapping[str, str]:
    """Extension to name of the phones that people at the desk have."""
    found = db.scalars(select(Phone).where(Phone.tier.in_(_TIERS)).order_by(Phone.extension))
    return {phone.extension: f"{phone.extension} – {phone.label}" for phone in found}
