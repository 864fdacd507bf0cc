"""The page for trying the system out: a citizen's phone that calls the town's number and nothing else."""

from __future__ import annotations

import logging
from http import HTTPStatus

from flask import Blueprint, abort, jsonify, render_template
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf
from sqlalchemy import select

from call_routing.ami import Gone
from call_routing.names import TRY_IT
from call_routing.web_phones import SECONDS, console_connection, give_password
from console.phone_pages import phone_url
from console.routes import add_page
from desk.db import Sessions, reading
from desk.models import PhoneNumber
from desk.permissions import Permission
from desk.settings import Settings

log = logging.getLogger(__name__)

#: So many citizens of the demo can be chosen as who calls.
CALLERS = 5
#: A number of nobody.
STRANGER = "+393330000000"


class TryPages:
    """Where it is not set, the page says so: every call of it is a call to the town."""

    def __init__(self, sessions: Sessions, settings: Settings, ami_password: str) -> None:
        self._sessions = sessions
        self._settings = settings
        self._ami_password = ami_password

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the pages."""
        add_page(blueprint, "/try", "try_it", self.page, Permission.USE_CONSOLE)
        add_page(blueprint, "/try/line", "try_line", self.line, Permission.USE_CONSOLE, methods=["POST"])

    def page(self) -> ResponseReturnValue:
        """The phone."""
        if not self._settings.try_it:
            return render_template("try_it.html", number=None)
        with reading(self._sessions) as session:
            known = session.scalars(
                select(PhoneNumber.e164).distinct().order_by(PhoneNumber.e164).limit(CALLERS)
            ).all()
        return render_template(
            "try_it.html",
            number=self._settings.town_number,
            callers=[*known, STRANGER],
            csrf=generate_csrf(),
        )

    def line(self) -> ResponseReturnValue:
        """With what that phone calls, for some minutes."""
        if not self._settings.try_it:
            abort(404)
        try:
            with console_connection(self._settings, self._ami_password) as ami:
                access = give_password(ami, TRY_IT)
        except Gone as e:
            log.error("%s", e)
            abort(HTTPStatus.SERVICE_UNAVAILABLE)
        url = phone_url(self._settings)
        return jsonify(url=url, user=access.user, password=access.password, seconds=SECONDS)
