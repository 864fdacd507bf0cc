"""Who may see the pages: log-in, log-out and the end of a session."""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user, login_user

from console.failed_logins import FailedLogins
from console.language import empty_session, language_of_visitor
from console.routes import add_page
from console.texts import Texts
from desk.db import Sessions, reading, transaction
from desk.models import Operator, Role
from desk.operators import verify_password
from desk.permissions import Permission, may

log = logging.getLogger(__name__)

#: A session ends this long after the last page somebody asked for; automatic updates do not count.
IDLE = timedelta(hours=4)
#: A session ends after this long in any case: nobody's shift is longer.
LONGEST_SESSION = timedelta(hours=12)
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
    }
)

LONGEST_LOGIN = 64
LONGEST_PASSWORD = 256

_SEEN = "seen"
_BEGAN = "began"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An operator as the pages know them, detached from the database."""

    operator_id: int
    login: str
    name: str
    role: Role
    #: Changes with the password, so that a changed password ends the sessions opened with the old one.
    stamp: str

    is_authenticated: ClassVar[bool] = True
    is_active: ClassVar[bool] = True
    is_anonymous: ClassVar[bool] = False

    @classmethod
    def from_operator(cls, operator: Operator) -> SignedIn:
        stamp = hashlib.sha256(operator.password_hash.encode()).hexdigest()[:16]
        return cls(operator.id, operator.login, operator.name, operator.role, stamp)

    def may(self, permission: Permission) -> bool:
        """Whether this operator's role allows it; also for templates: ``operator.may("work_requests")``."""
        return may(self.role, Permission(permission))

    def get_id(self) -> str:
        """What Flask-Login keeps in the signed session."""
        return f"{self.operator_id}.{self.stamp}"


class SignIn:
    """The log-in pages and the rules of a session."""

    def __init__(self, sessions: Sessions, texts: Texts, *, clock: Callable[[], datetime]) -> None:
        self._sessions = sessions
        self._texts = texts
        self._clock = clock
        self._failed = FailedLogins()

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the pages and the check of the session's age before every request."""
        blueprint.add_url_rule("/login", "sign_in", self.sign_in, methods=["GET", "POST"])
        add_page(blueprint, "/logout", "sign_out", self.sign_out, Permission.USE_CONSOLE, methods=["POST"])
        blueprint.before_app_request(self.end_old_session)

    def login_manager(self) -> LoginManager:
        """Flask-Login, without its template variable: that would ask the database even for an error page."""
        manager = LoginManager()
        manager.user_loader(self.operator_of_session)
        return manager

    def operator_of_session(self, kept: str) -> SignedIn | None:
        """The operator a session belongs to; None when they left or changed their password."""
        number = kept.partition(".")[0]
        if not number.isdecimal():
            return None
        with reading(self._sessions) as db:
            operator = db.get(Operator, int(number))
            if operator is None or not operator.active:
                return None
            user = SignedIn.from_operator(operator)
        return user if user.get_id() == kept else None

    def end_old_session(self) -> None:
        """Before every request: forget a session that was idle, or lasted, too long."""
        if "_user_id" not in session:
            return
        now = int(self._clock().timestamp())
        idle = now - session.get(_SEEN, 0)
        lasted = now - session.get(_BEGAN, 0)
        if idle > IDLE.total_seconds() or lasted > LONGEST_SESSION.total_seconds():
            empty_session()
            flash("sign_in.idle")
        elif idle >= 60 and request.endpoint not in BACKGROUND:
            session[_SEEN] = now

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
        wait = self._failed.wait(login, now)
        if wait > timedelta(0):
            log.warning("log-in refused: too many wrong passwords in a row")
            problem = self._say("sign_in.too_many", minutes=math.ceil(wait / timedelta(minutes=1)))
            return (
                self._form(login=login, problem=problem),
                429,
                {"Retry-After": str(math.ceil(wait.total_seconds()))},
            )
        operator = self._operator_with(login, password)
        if operator is None:
            log.warning("log-in refused: wrong user name or password")
            return self._form(login=login, problem=self._say("sign_in.wrong")), 403
        self._failed.succeeded(login)
        # A new session, so that nothing planted in the old one survives the log-in.
        empty_session()
        login_user(SignedIn.from_operator(operator))
        session[_BEGAN] = session[_SEEN] = int(now.timestamp())
        log.info("operator %d logged in", operator.id)
        return redirect(_own_page(request.form.get("next")), 303)

    def sign_out(self) -> ResponseReturnValue:
        """End the session."""
        log.info("operator %d logged out", current_user.operator_id)
        empty_session()
        flash("sign_in.signed_out")
        return redirect(url_for("console.sign_in"), 303)

    def _operator_with(self, login: str, password: str) -> Operator | None:
        # Only reading: checking a password is slow on purpose and must not hold up who writes.
        with reading(self._sessions) as db:
            operator = verify_password(db, login, password)
            renewed = operator is not None and db.is_modified(operator)
        if operator is not None and renewed:
            # The hash was of a former strength and has been made anew: keep it.
            with transaction(self._sessions) as db:
                db.get_one(Operator, operator.id).password_hash = operator.password_hash
        return operator

    def _form(self, *, login: str = "", problem: str | None = None) -> str:
        return render_template(
            "sign_in.html",
            login=login,
            problem=problem,
            next=_own_page(request.values.get("next")),
            longest_login=LONGEST_LOGIN,
            longest_password=LONGEST_PASSWORD,
        )

    def _say(self, key: str, **values: Any) -> str:
        return self._texts.say(language_of_visitor(), key, **values)


def _own_page(wanted: str | None) -> str:
    """Where to go after the log-in: only a page of the console, whatever a crafted link asks for."""
    if wanted and wanted.startswith("/console/") and wanted.isprintable() and "\\" not in wanted:
        return wanted
    return url_for("console.requests")
