"""The own account: language, password, second step, and where one is logged in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import segno
from flask import Blueprint, abort, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from console.browsers import browser_of
from console.language import keep_language, language_of_visitor
from console.routes import add_page
from console.sign_in import LONGEST_CODE, Must, SignIn
from console.texts import Language, Texts
from desk.audit import AuditAction, note_look
from desk.db import Sessions, reading, transaction
from desk.failed_logins import note_success, wait_before_trying
from desk.models import Operator
from desk.operator_sessions import end_session, end_sessions, open_sessions
from desk.operators import (
    LONGEST_PASSWORD,
    SHORTEST_PASSWORD,
    BadPassword,
    PasswordFault,
    chosen_hash,
    drop_two_step,
    keep_chosen,
    verify_password,
)
from desk.permissions import Permission
from desk.two_step import TwoStep, Unreadable, recovery_codes_left

#: The page that comes before all others, by what has to be done there.
FIRST: Mapping[Must | None, str] = {
    Must.CHOOSE_PASSWORD: "console.profile_password",
    Must.SET_UP_TWO_STEP: "console.profile_two_step",
}
#: What is open even then.
NEVER_LATER = frozenset({"console.sign_out"})

_SECRET = "two_step_secret"  # noqa: S105 - the name in the session


class ProfilePages:
    """The pages about the own account."""

    def __init__(
        self,
        sessions: Sessions,
        texts: Texts,
        sign_in: SignIn,
        two_step: TwoStep,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._sessions = sessions
        self._texts = texts
        self._sign_in = sign_in
        self._two_step = two_step
        self._clock = clock

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the pages."""
        both, post = ("GET", "POST"), ("POST",)
        for path, name, view, methods in (
            ("", "profile", self.profile, ("GET",)),
            ("/language", "profile_language", self.language, post),
            ("/password", "profile_password", self.password, both),
            ("/two-step", "profile_two_step", self.two_step, both),
            ("/two-step/off", "profile_two_step_off", self.two_step_off, post),
            ("/sessions/<int:number>/end", "profile_end_session", self.end_one, post),
            ("/sessions/end", "profile_end_sessions", self.end_others, post),
        ):
            add_page(blueprint, f"/profile{path}", name, view, Permission.USE_CONSOLE, methods=methods)

    def profile(self, problem: str | None = None) -> str:
        """All about the own account."""
        now = self._clock()
        with reading(self._sessions) as db:
            me = db.get_one(Operator, g.operator.operator_id)
            return render_template(
                "profile.html",
                me=me,
                sessions=[(each, browser_of(each.agent)) for each in open_sessions(db, me.id, now=now)],
                codes_left=recovery_codes_left(db, me.id),
                languages=[
                    (each.value, self._texts.label(each, "language_name", each.value)) for each in Language
                ],
                problem=problem,
                longest_password=LONGEST_PASSWORD,
            )

    def language(self) -> ResponseReturnValue:
        """The language to begin with after every log-in."""
        chosen = request.form.get("language", "")
        if chosen not in set(Language):
            abort(400)
        with transaction(self._sessions) as db:
            db.get_one(Operator, g.operator.operator_id).language = chosen
        keep_language(Language(chosen))
        flash("profile.saved", "success")
        return redirect(url_for("console.profile"), 303)

    def password(self) -> ResponseReturnValue:
        """Choose a new password: the present one is asked for, all other sessions end."""
        if request.method == "GET":
            return self._password_form()
        present, new = request.form.get("present", ""), request.form.get("new", "")
        if max(len(present), len(new)) > LONGEST_PASSWORD:
            abort(400)
        if new != request.form.get("again", ""):
            return self._password_form(again=self._say("password.not_the_same")), 400
        if wait := self._wait():
            return self._password_form(present=self._too_many(wait)), 429
        try:
            with reading(self._sessions) as db:
                former = db.get_one(Operator, g.operator.operator_id)
            hashed = chosen_hash(former, present=present, new=new)
            with transaction(self._sessions) as db:
                me = db.get_one(Operator, former.id)
                keep_chosen(
                    db,
                    me,
                    hashed,
                    former=former.password_hash,
                    session_id=g.operator.session_id,
                    now=self._clock(),
                )
                note_success(db, me.login)
            self._sign_in.stay(me)
        except BadPassword as e:
            problem = self._say(f"password.{e.fault}", n=SHORTEST_PASSWORD)
            if e.fault is PasswordFault.WRONG:
                return self._password_form(present=problem), 400
            with transaction(self._sessions) as db:
                note_success(db, g.operator.login)
            return self._password_form(new=problem), 400
        flash("password.changed", "success")
        return redirect(url_for("console.profile"), 303)

    def two_step(self) -> ResponseReturnValue:
        """Set up the second step: scan, type the code that the telephone shows, keep the list."""
        me, problem = g.operator, None
        try:
            if request.method == "POST" and (sealed := session.get(_SECRET)):
                now = self._clock()
                with transaction(self._sessions) as db:
                    operator = db.get_one(Operator, me.operator_id)
                    code = request.form.get("code", "")[:LONGEST_CODE]
                    codes = self._two_step.set_up(db, operator, sealed, code, now=now)
                    if codes:
                        note_look(db, by=me.login, action=AuditAction.TWO_STEP_ON, now=now, detail=me.login)
                if codes:
                    session.pop(_SECRET)
                    return render_template("recovery_codes.html", codes=codes)
                problem = self._say("second_step.wrong")
            # The same secret while the page is open, or a scan would be in vain after a wrong code.
            sealed = session.setdefault(_SECRET, self._two_step.new_secret(me.operator_id))
            address = self._two_step.to_scan(me.operator_id, sealed, me.login)
            to_type = self._two_step.to_type(me.operator_id, sealed)
        except Unreadable:
            session.pop(_SECRET, None)
            return redirect(url_for("console.profile_two_step"), 303)
        picture = segno.make(address, error="m").svg_inline(
            scale=5, omitsize=True, svgclass="qr", lineclass="qr-line", title=self._say("two_step.qr")
        )
        page = render_template(
            "two_step.html",
            qr=Markup(picture),  # noqa: S704 - made here, of an address of ours
            to_type=" ".join(to_type[start : start + 4] for start in range(0, len(to_type), 4)),
            problem=problem,
            must=me.must is Must.SET_UP_TWO_STEP,
        )
        return page, 400 if problem else 200

    def two_step_off(self) -> ResponseReturnValue:
        """Ask for no code any more; the password is asked for, so that a screen left open does not do."""
        if wait := self._wait():
            return self.profile(problem=self._too_many(wait)), 429
        now = self._clock()
        with reading(self._sessions) as db:
            password = request.form.get("password", "")[:LONGEST_PASSWORD]
            right = verify_password(db, g.operator.login, password, now=now) is not None
        if not right:
            return self.profile(problem=self._say("password.wrong")), 400
        with transaction(self._sessions) as db:
            note_success(db, g.operator.login)
            drop_two_step(db, db.get_one(Operator, g.operator.operator_id), by=g.operator.login, now=now)
        flash("two_step.is_off", "success")
        return redirect(url_for("console.profile"), 303)

    def end_one(self, number: int) -> ResponseReturnValue:
        """End one of the own sessions."""
        with transaction(self._sessions) as db:
            if not end_session(db, g.operator.operator_id, number, now=self._clock()):
                abort(404)
        flash("profile.ended", "success")
        return redirect(url_for("console.profile"), 303)

    def end_others(self) -> ResponseReturnValue:
        """End all of the own sessions but this one."""
        with transaction(self._sessions) as db:
            end_sessions(db, g.operator.operator_id, now=self._clock(), but=g.operator.session_id)
        flash("profile.ended", "success")
        return redirect(url_for("console.profile"), 303)

    def _password_form(
        self, *, present: str | None = None, new: str | None = None, again: str | None = None
    ) -> str:
        return render_template(
            "password.html",
            present=present,
            new=new,
            again=again,
            must=g.operator.must is Must.CHOOSE_PASSWORD,
            shortest=SHORTEST_PASSWORD,
            longest=LONGEST_PASSWORD,
        )

    def _wait(self) -> timedelta:
        """Guessing the password from within is braked as at the log-in."""
        with transaction(self._sessions) as db:
            return wait_before_trying(db, g.operator.login, now=self._clock())

    def _too_many(self, wait: timedelta) -> str:
        return self._say("sign_in.too_many", minutes=-(-wait // timedelta(minutes=1)))

    def _say(self, key: str, **values: object) -> str:
        return self._texts.say(language_of_visitor(), key, **values)
