"""The offices' calendars, for calendar programs: they cannot log in, so their address is a secret."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import Response, abort
from flask.typing import ResponseReturnValue

from desk.calendar_feed import is_feed_token, office_calendar
from desk.db import Sessions, reading


def calendar_page(
    database: Sessions, web_key: str, *, clock: Callable[[], datetime]
) -> Callable[[str, str], ResponseReturnValue]:
    """The view of ``/calendars/<office>/<token>.ics``. To a wrong token no office is there."""

    def office_calendar_page(office: str, token: str) -> ResponseReturnValue:
        if not is_feed_token(web_key, office, token):
            abort(404)
        with reading(database) as session:
            calendar = office_calendar(session, office, now=clock())
        if calendar is None:
            abort(404)
        return Response(calendar, mimetype="text/calendar")

    return office_calendar_page
