"""What a supervisor does from the list of colleagues: end a pause, move somebody, listen, whisper."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus

from flask import Blueprint, Response, abort, g, request
from flask.typing import ResponseReturnValue

from call_routing.ami import Gone, Refused
from call_routing.listening import listen
from call_routing.web_phones import console_connection
from console.phone_pages import tell_asterisk
from console.routes import add_page
from desk.audit import AuditAction, note_look
from desk.db import Sessions, reading, transaction
from desk.models import PlaceStay, Tier
from desk.permissions import Permission
from desk.places import Place, move_place, places_now, resume_place
from desk.settings import Settings

log = logging.getLogger(__name__)


class Order(StrEnum):
    """What can be asked for."""

    RESUME = "resume"
    COUNTER = "counter"
    BACK_OFFICE = "back_office"
    LISTEN = "listen"
    WHISPER = "whisper"


class Supervising:
    """One address: an order about one place."""

    def __init__(
        self, sessions: Sessions, settings: Settings, ami_password: str, *, clock: Callable[[], datetime]
    ) -> None:
        self._sessions = sessions
        self._settings = settings
        self._ami_password = ami_password
        self._clock = clock

    def add_to(self, blueprint: Blueprint) -> None:
        """Register it."""
        add_page(
            blueprint,
            "/phone/supervise",
            "supervise",
            self.supervise,
            Permission.SUPERVISE_CALLS,
            methods=["POST"],
        )

    def supervise(self) -> ResponseReturnValue:
        """Carry out the order, or say why not: 404 nobody is there, 409 it is not allowed here."""
        try:
            order = Order(request.form.get("do", ""))
        except ValueError:
            abort(400)
        with reading(self._sessions) as session:
            places = places_now(session)
        theirs = next((p for p in places if p.extension == request.form.get("extension")), None) or abort(404)
        if order in {Order.LISTEN, Order.WHISPER}:
            mine = next((p for p in places if p.operator_id == g.operator.operator_id), None) or abort(409)
            self._listen(mine, theirs, whisper=order is Order.WHISPER)
        elif order is Order.RESUME:
            self._resume(theirs)
        else:
            tier = Tier.COUNTER if order is Order.COUNTER else Tier.BACK_OFFICE
            with transaction(self._sessions) as session:
                # Asterisk's queue is told by the worker.
                move_place(
                    session.get_one(PlaceStay, theirs.stay_id), None if tier is theirs.own_tier else tier
                )
        log.info("supervisor %d: %s at %s", g.operator.operator_id, order, theirs.extension)
        return Response(status=HTTPStatus.NO_CONTENT)

    def _resume(self, place: Place) -> None:
        with transaction(self._sessions) as session:
            stay = session.get_one(PlaceStay, place.stay_id)
            resume_place(session, stay, by=g.operator.login, now=self._clock())
        with suppress(Gone), console_connection(self._settings, self._ami_password) as ami:
            with reading(self._sessions) as session:
                now = next((p for p in places_now(session) if p.stay_id == place.stay_id), None)
            if now is not None:
                tell_asterisk(ami, self._sessions, now, now=self._clock())

    def _listen(self, mine: Place, theirs: Place, *, whisper: bool) -> None:
        if not self._settings.listening:
            abort(409)
        with transaction(self._sessions) as session:
            # First the note: nobody listens without one.
            note_look(
                session,
                by=g.operator.login,
                action=AuditAction.HEARD,
                now=self._clock(),
                detail=f"{'whispered to' if whisper else 'listened to'} {theirs.extension} ({theirs.login})",
            )
        try:
            with console_connection(self._settings, self._ami_password) as ami:
                listen(ami, mine, theirs, whisper=whisper)
        except (Gone, Refused) as e:
            log.error("listening: %s", e)
            abort(HTTPStatus.SERVICE_UNAVAILABLE)
