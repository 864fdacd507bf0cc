"""Who may see the pages: log-in in one or two steps or by the town's own, log-out, the end of a session."""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar
from urllib.parse import urlsplit

from flask import Blueprint, abort, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user, login_user

from console.language import empty_session, keep_language, language_kept, language_of_visitor
from console.routes import add_page
from console.single_sign_on import NotVouched, SingleSignOn, Vouched
from console.texts import Language, Texts
from desk.db import Sessions, reading, transaction
from desk.failed_logins import note_success, wait_before_trying
from desk.models import Operator, Role, SignInWay
from desk.operator_sessions import (
    IDLE,
    LONGEST_SESSION,
    begin_session,
    end_session,
    end_sessions_of_provider,
    id_token_of,
    note_seen,
    session_of,
)
from desk.operators import LONGEST_PASSWORD, operator_of_single_sign_on, verify_password
from desk.permissions import Permission, may
from desk.settings import Settings
from desk.two_step import TwoStep, Unreadable

log = logging.getLogger(__name__)

#: Answers to the page's own script: asking for them is not activity, and they never lead to a log-in page.
BACKGROUND = frozenset(
    {
        "console.live_requests",
        "console.live",
        "console.take_place",
        "console.leave_place",
        "console.pause_place",
        "console.resume_place",
        "console.phone_line",
        "console.phone_gone",
        "console.caller_card",
        "console.to_call",
        "console.call_back_now",
        "console.supervise",
        "console.try_line",
        "console.wall_live",
    }
)

LONGEST_LOGIN = 64
LONGEST_CODE = 32
#: The code has to follow the password within this time.
SECOND_STEP = timedelta(minutes=5)

_SEEN = "seen"
_BEGAN = "began"
#: Who gave the right password and owes the code: operator, stamp, when, where to go.
_HALF_WAY = "half_way"


class Must(StrEnum):
    """What somebody has to do before any other page."""

    CHOOSE_PASSWORD = "choose_password"  # noqa: S105 - no password
    SET_UP_TWO_STEP = "set_up_two_step"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An operator as the pages know them, detached from the database."""

    operator_id: int
    login: str
    name: str
    role: Role
    session_id: int
    must: Must | None
    #: What Flask-Login keeps in the signed session.
    kept: str

    is_authenticated: ClassVar[bool] = True
    is_active: ClassVar[bool] = True
    is_anonymous: ClassVar[bool] = False

    def may(self, permission: Permission | str) -> bool:
        """Whether this operator's role allows it; also for templates: ``operator.may("work_requests")``."""
        return may(self.role, Permission(permission))

    def get_id(self) -> str:
        return self.kept


class _Beginning:
    """A session that has just begun, for Flask-Login, which asks for nothing but its id."""

    is_active: ClassVar[bool] = True

    def __init__(self, kept: str) -> None:
        self._kept = kept

    def get_id(self) -> str:
        return self._kept


class SignIn:
    """The log-in pages and the rules of a session."""

    def __init__(
        self,
        sessions: Sessions,
        texts: Texts,
        settings: Settings,
        two_step: TwoStep,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._sessions = sessions
        self._texts = texts
        self._clock = clock
        self._two_step = two_step
        self._two_step_roles = {
            "nobody": frozenset[Role](),
            "admins": frozenset({Role.ADMIN}),
            "everybody": frozenset(Role),
        }[settings.two_step_required]
        self._single_sign_on = SingleSignOn.of(settings)
        self._web_url = settings.web_url.rstrip("/")

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the pages and the check of the session's age before every request."""
        blueprint.add_url_rule("/login", "sign_in", self.sign_in, methods=["GET", "POST"])
        blueprint.add_url_rule("/login/code", "second_step", self.second_step, methods=["GET", "POST"])
        blueprint.add_url_rule("/login/town", "single_sign_on", self.single_sign_on)
        blueprint.add_url_rule("/login/town/back", "single_sign_on_back", self.single_sign_on_back)
        blueprint.add_url_rule(
            "/login/town/ended", "single_sign_on_ended", self.single_sign_on_ended, methods=["POST"]
        )
        add_page(blueprint, "/logout", "sign_out", self.sign_out, Permission.USE_CONSOLE, methods=["POST"])
        blueprint.before_app_request(self.end_old_session)

    def login_manager(self) -> LoginManager:
        """Flask-Login, without its template variable: that would ask the database even for an error page."""
        manager = LoginManager()
        manager.user_loader(self.operator_of_session)
        return manager

    def operator_of_session(self, kept: str) -> SignedIn | None:
        """Whose session it is; None when it was ended, or they left or changed their password."""
        number, _, rest = kept.partition(".")
        stamp, _, key = rest.partition(".")
        if not (number.isdecimal() and stamp and key):
            return None
        with reading(self._sessions) as db:
            found = session_of(db, key)
            if found is None:
                return None
            open_session, operator = found
            if str(operator.id) != number or _stamp(operator) != stamp:
                return None
            return SignedIn(
                operator.id,
                operator.login,
                operator.name,
                operator.role,
                open_session.id,
                self._must(operator, open_session.way),
                kept,
            )

    def _must(self, operator: Operator, way: SignInWay) -> Must | None:
        # Whom the town's own log-in vouched for needs neither password nor code of ours.
        if way is SignInWay.SINGLE_SIGN_ON:
            return None
        if operator.password_expires_at is not None:
            return Must.CHOOSE_PASSWORD
        if operator.role in self._two_step_roles and operator.totp_secret is None:
            return Must.SET_UP_TWO_STEP
        return None

    def end_old_session(self) -> None:
        """Before every request: forget a session that was idle, or lasted, too long."""
        if "_user_id" not in session:
            return
        now = self._clock()
        at = int(now.timestamp())
        idle = at - session.get(_SEEN, 0)
        lasted = at - session.get(_BEGAN, 0)
        if idle > IDLE.total_seconds() or lasted > LONGEST_SESSION.total_seconds():
            empty_session()
            flash("sign_in.idle")
        elif idle >= 60 and request.endpoint not in BACKGROUND:
            session[_SEEN] = at
            if current_user.is_authenticated:
                with transaction(self._sessions) as db:
                    note_seen(db, current_user.session_id, now=now)

    def sign_in(self) -> ResponseReturnValue:
        """The log-in form and what it sends."""
        if request.method == "GET":
            if current_user.is_authenticated:
                return redirect(url_for("console.requests"))
            return self._form()
        login = request.form.get("login", "").strip()
        password = request.form.get("password", "")
        if not (
            0 < len(login) <= LONGEST_LOGIN and login.isprintable() and 0 < len(password) <= LONGEST_PASSWORD
        ):
            return self._form(login=login[:LONGEST_LOGIN], problem=self._say("sign_in.wrong")), 403
        now = self._clock()
        wait = self._wait(login, now)
        if wait > timedelta(0):
            log.warning("log-in refused: too many wrong passwords in a row")
            return self._too_many(wait, lambda problem: self._form(login=login, problem=problem))
        operator = self._operator_with(login, password, now)
        if operator is None:
            log.warning("log-in refused: wrong user name or password")
            return self._form(login=login, problem=self._say("sign_in.wrong")), 403
        with transaction(self._sessions) as db:
            note_success(db, login)
        wanted = _own_page(request.form.get("next"))
        if operator.totp_secret is not None:
            empty_session()
            session[_HALF_WAY] = [operator.id, _stamp(operator), int(now.timestamp()), wanted]
            return redirect(url_for("console.second_step"), 303)
        return self._let_in(operator, SignInWay.PASSWORD, wanted, now)

    def second_step(self) -> ResponseReturnValue:
        """The code of the telephone, or one of the list, after the password."""
        now = self._clock()
        operator = self._half_way(now)
        if operator is None:
            session.pop(_HALF_WAY, None)
            return redirect(url_for("console.sign_in"), 303)
        if request.method == "GET":
            return self._code_form()
        code = request.form.get("code", "").strip()
        if not (0 < len(code) <= LONGEST_CODE):
            return self._code_form(problem=self._say("second_step.wrong")), 403
        # Counted apart from the password: who knows that gets no more guesses at this by logging in again.
        guess = f"code of {operator.id}"
        wait = self._wait(guess, now)
        if wait > timedelta(0):
            log.warning("log-in refused: too many wrong codes in a row")
            return self._too_many(wait, lambda problem: self._code_form(problem=problem))
        with transaction(self._sessions) as db:
            try:
                passes = self._two_step.passes(db, operator.id, code, now=now)
            except Unreadable:
                log.error("the secrets of the second step cannot be read with this keyring")
                return self._code_form(problem=self._say("second_step.unreadable")), 503
            if passes:
                note_success(db, guess)
        if not passes:
            log.warning("log-in refused: wrong code")
            return self._code_form(problem=self._say("second_step.wrong")), 403
        return self._let_in(operator, SignInWay.TWO_STEP, session[_HALF_WAY][3], now)

    def single_sign_on(self) -> ResponseReturnValue:
        """Off to the town's own log-in."""
        if self._single_sign_on is None:
            abort(404)
        try:
            return self._single_sign_on.begin(
                self._address_of("console.single_sign_on_back"),
                _own_page(request.args.get("next")),
            )
        except NotVouched as e:
            log.warning("log-in refused: %s", e)
            return self._form(problem=self._say("single_sign_on.away")), 503

    def single_sign_on_back(self) -> ResponseReturnValue:
        """Back from the town's own log-in."""
        if self._single_sign_on is None:
            abort(404)
        now = self._clock()
        try:
            vouched = self._single_sign_on.end()
        except NotVouched as e:
            log.warning("log-in refused: %s", e)
            return self._form(problem=self._say("single_sign_on.failed")), 403
        with transaction(self._sessions) as db:
            operator = operator_of_single_sign_on(
                db, issuer=vouched.issuer, subject=vouched.subject, login=vouched.login
            )
        if operator is None:
            log.warning("log-in refused: nobody here is known by what the town's log-in says")
            return self._form(problem=self._say("single_sign_on.unknown")), 403
        return self._let_in(
            operator, SignInWay.SINGLE_SIGN_ON, _own_page(vouched.wanted), now, vouched=vouched
        )

    def single_sign_on_ended(self) -> ResponseReturnValue:
        """The town's own log-in tells that somebody logged out there: then they are out here too."""
        if self._single_sign_on is None:
            abort(404)
        now = self._clock()
        try:
            over = self._single_sign_on.ended(request.form.get("logout_token", ""), now)
        except NotVouched as e:
            log.warning("a log-out was not believed: %s", e)
            return {"error": "invalid_request"}, 400
        with transaction(self._sessions) as db:
            count = end_sessions_of_provider(
                db, issuer=over.issuer, subject=over.subject, provider_session=over.session, now=now
            )
        log.info("the town's log-in ended %d sessions", count)
        return "", 200

    def sign_out(self) -> ResponseReturnValue:
        """End the session, and the one at the town's own log-in with it."""
        with transaction(self._sessions) as db:
            hint = id_token_of(db, current_user.session_id)
            end_session(db, current_user.operator_id, current_user.session_id, now=self._clock())
        log.info("operator %d logged out", current_user.operator_id)
        empty_session()
        away = self._sign_out_there(hint) if hint else None
        # Told where the way ends: at the log-in, by way of the town's own.
        flash("sign_in.signed_out")
        return away or redirect(url_for("console.sign_in"), 303)

    def _sign_out_there(self, hint: str) -> ResponseReturnValue | None:
        """The page that logs out at the town's own log-in; None where that knows no such thing."""
        if self._single_sign_on is None:
            return None
        try:
            endpoint = self._single_sign_on.end_session_endpoint()
        except NotVouched as e:
            log.warning("logged out here only: %s", e)
            return None
        if endpoint is None:
            return None
        there = urlsplit(endpoint)
        g.form_leads_to = f"{there.scheme}://{there.netloc}"
        # By a form and not by an address: what it vouched with says who somebody is.
        return render_template(
            "signed_out.html",
            action=endpoint,
            fields={
                "id_token_hint": hint,
                "client_id": self._single_sign_on.client_id,
                "post_logout_redirect_uri": self._address_of("console.sign_in"),
            },
        )

    def _address_of(self, endpoint: str) -> str:
        """A page's whole address, as the town's own log-in has to know it."""
        if self._web_url:
            return self._web_url + url_for(endpoint)
        return url_for(endpoint, _external=True)

    def stay(self, operator: Operator) -> None:
        """Keep the present session after a change of the password, of which the browser keeps a trace."""
        key = current_user.kept.rpartition(".")[2]
        session["_user_id"] = f"{operator.id}.{_stamp(operator)}.{key}"

    def _let_in(
        self,
        operator: Operator,
        way: SignInWay,
        wanted: str,
        now: datetime,
        *,
        vouched: Vouched | None = None,
    ) -> ResponseReturnValue:
        with transaction(self._sessions) as db:
            key = begin_session(
                db,
                operator,
                way,
                agent=request.user_agent.string,
                now=now,
                id_token=vouched.id_token if vouched else None,
                provider_session=vouched.session if vouched else None,
            )
        # A new session, so that nothing planted in the old one survives the log-in.
        empty_session()
        login_user(_Beginning(f"{operator.id}.{_stamp(operator)}.{key}"))
        session[_BEGAN] = session[_SEEN] = int(now.timestamp())
        if language_kept() is None and operator.language:
            keep_language(Language(operator.language))
        log.info("operator %d logged in", operator.id)
        return redirect(wanted, 303)

    def _half_way(self, now: datetime) -> Operator | None:
        """Who gave the right password a moment ago."""
        kept = session.get(_HALF_WAY)
        if not kept or now.timestamp() - kept[2] > SECOND_STEP.total_seconds():
            return None
        with reading(self._sessions) as db:
            operator = db.get(Operator, kept[0])
        if operator is None or not operator.active or _stamp(operator) != kept[1]:
            return None
        return operator

    def _wait(self, what: str, now: datetime) -> timedelta:
        with transaction(self._sessions) as db:
            return wait_before_trying(db, what, now=now)

    def _operator_with(self, login: str, password: str, now: datetime) -> Operator | None:
        # Only reading: checking a password is slow on purpose and must not hold up who writes.
        with reading(self._sessions) as db:
            operator = verify_password(db, login, password, now=now)
            renewed = operator is not None and db.is_modified(operator)
        if operator is not None and renewed:
            # The hash was of a former strength and has been made anew: keep it.
            with transaction(self._sessions) as db:
                db.get_one(Operator, operator.id).password_hash = operator.password_hash
        return operator

    def _too_many(self, wait: timedelta, page: Callable[[str], str]) -> ResponseReturnValue:
        problem = self._say("sign_in.too_many", minutes=math.ceil(wait / timedelta(minutes=1)))
        return page(problem), 429, {"Retry-After": str(math.ceil(wait.total_seconds()))}

    def _form(self, *, login: str = "", problem: str | None = None) -> str:
        return render_template(
            "sign_in.html",
            login=login,
            problem=problem,
            next=_own_page(request.values.get("next")),
            longest_login=LONGEST_LOGIN,
            longest_password=LONGEST_PASSWORD,
            single_sign_on=self._single_sign_on,
        )

    def _code_form(self, *, problem: str | None = None) -> str:
        return render_template("second_step.html", problem=problem, longest_code=LONGEST_CODE)

    def _say(self, key: str, **values: Any) -> str:
        return self._texts.say(language_of_visitor(), key, **values)


def _stamp(operator: Operator) -> str:
    """Changes with the password, so that a changed password ends the sessions opened with the old one."""
    return hashlib.sha256(operator.password_hash.encode()).hexdigest()[:16]


def _own_page(wanted: str | None) -> str:
    """Where to go after the log-in: only a page of the console, whatever a crafted link asks for."""
    if wanted and wanted.startswith("/console/") and wanted.isprintable() and "\\" not in wanted:
        return wanted
    return url_for("console.requests")
