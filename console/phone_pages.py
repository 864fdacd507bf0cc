"""The operator's phone and place: the page, and what its script asks for."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, g, jsonify, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from call_routing.ami import Ami, Gone, Refused
from call_routing.duties import orders_of, pause_phone, phones_of, started_at
from call_routing.names import Context, Variable, web_phone
from call_routing.web_phones import (
    BACK,
    REGISTERS,
    SECONDS,
    console_connection,
    expect_page,
    give_back_calls,
    give_password,
    let_citizens_return,
    take_password,
)
from console.language import language_of_visitor
from console.live_feed import LiveFeed
from console.routes import add_page
from console.sign_in import SignedIn
from console.texts import Texts
from desk.audit import AuditAction, note_look
from desk.caller_card import caller_card, ringing_card
from desk.db import DatabaseGone, Sessions, reading, transaction
from desk.desk_now import OnCallState, queue_now
from desk.hand_over import handed_over
from desk.models import RequestState
from desk.permissions import Permission
from desk.phone_numbers import to_call_back
from desk.places import (
    CHOSEN,
    Device,
    PauseReason,
    Place,
    Took,
    leave_place,
    note_told,
    pause_place,
    places_now,
    resume_place,
    stay_of,
    take_place,
)
from desk.requests import IllegalChange, change_state, request_by_reference
from desk.settings import Settings
from desk.to_call_back import waiting_for_call
from desk.town import read_town

log = logging.getLogger(__name__)

#: The longest pause that can be announced (minutes).
LONGEST_PAUSE = 480
#: Seconds for which the operator's own phone rings before a citizen is called.
OWN_RING = 20
#: What the script asks for, and the groups of texts that it shows.
_URLS = {
    "live": "live",
    "place": "take_place",
    "leave": "leave_place",
    "pause": "pause_place",
    "resume": "resume_place",
    "line": "phone_line",
    "gone": "phone_gone",
    "to_call": "to_call",
    "supervise": "supervise",
}
_TEXTS = (
    "phone",
    "seat",
    "duty",
    "pause_reason",
    "line",
    "call",
    "phone_state",
    "desk_now",
    "card",
    "to_call",
)
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class PhonePages:
    """Everything below ``/console/phone``, and the stream ``/console/live``."""

    def __init__(
        self,
        sessions: Sessions,
        texts: Texts,
        settings: Settings,
        ami_password: str,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._sessions = sessions
        self._texts = texts
        self._settings = settings
        self._ami_password = ami_password
        self._clock = clock
        self._feed = LiveFeed(sessions, clock=clock)

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the pages."""
        for path, name, view, method in (
            ("/phone", "phone", self.page, "GET"),
            ("/live", "live", self.live, "GET"),
            ("/phone/place", "take_place", self.take, "POST"),
            ("/phone/leave", "leave_place", self.leave, "POST"),
            ("/phone/pause", "pause_place", self.pause, "POST"),
            ("/phone/resume", "resume_place", self.resume, "POST"),
            ("/phone/line", "phone_line", self.line, "POST"),
            ("/phone/gone", "phone_gone", self.gone, "POST"),
            ("/phone/card/<call>", "caller_card", self.card, "GET"),
            ("/phone/card/<call>/said/<int:number>", "said_in_call", self.said, "GET"),
            ("/phone/to-call", "to_call", self.to_call, "GET"),
            ("/phone/call-back/<reference>", "call_back_now", self.call_back, "POST"),
        ):
            add_page(blueprint, path, name, view, Permission.ANSWER_CALLS, methods=[method])
        self._feed.register(blueprint)

    # --- the page

    def page(self) -> ResponseReturnValue:
        """The operator's place of work."""
        with reading(self._sessions) as session:
            places, phones = places_now(session), read_town(session).phones
        mine = _own(places)
        taken = {place.extension: place.name for place in places if place is not mine}
        return render_template(
            "phone.html",
            mine=mine,
            phones=phones,
            taken=taken,
            reasons=CHOSEN,
            longest_pause=LONGEST_PAUSE,
            config=self._config(),
        )

    def _config(self) -> dict[str, Any]:
        """What the page's script has to know."""
        language = language_of_visitor()
        me = _operator()
        urls = {name: url_for(f"console.{endpoint}") for name, endpoint in _URLS.items()}
        # The script adds which one.
        urls["card"] = url_for("console.caller_card", call="-").removesuffix("/-")
        urls["call_back"] = url_for("console.call_back_now", reference="-").removesuffix("/-")
        return {
            "csrf": generate_csrf(),
            "me": me.operator_id,
            "urls": urls,
            "texts": self._texts.group(language, *_TEXTS),
            "supervise": me.may(Permission.SUPERVISE_CALLS),
        }

    def live(self) -> ResponseReturnValue:
        """The stream of what goes on."""
        return self._feed.answer(_operator().operator_id)

    # --- the place

    def take(self) -> ResponseReturnValue:
        """Sit down at a place, with the phone in the page or the one on the desk."""
        extension = request.form.get("extension", "")
        try:
            device = Device(request.form.get("device", ""))
        except ValueError:
            abort(400)
        me, now = _operator(), self._clock()
        before = self._mine()
        try:
            with transaction(self._sessions) as session:
                took = take_place(
                    session,
                    operator_id=me.operator_id,
                    extension=extension,
                    device=device,
                    by=me.login,
                    now=now,
                )
        except IntegrityError:
            # Somebody else sat down at the same moment.
            took = Took.OCCUPIED
        if took is Took.UNKNOWN:
            abort(400)
        if took is Took.OCCUPIED:
            return jsonify(taken=False), HTTPStatus.CONFLICT
        if before is not None and (before.extension, before.device) != (extension, device):
            self._silence(before)
        self._tell()
        return jsonify(taken=True)

    def leave(self) -> ResponseReturnValue:
        """Leave the place: the phone in the page is worth nothing any more."""
        before = self._mine()
        with transaction(self._sessions) as session:
            leave_place(session, _operator().operator_id, now=self._clock())
        if before is not None:
            self._silence(before)
        return Response(status=HTTPStatus.NO_CONTENT)

    def pause(self) -> ResponseReturnValue:
        """No calls, for a reason; ``minutes`` says for how long it is meant."""
        try:
            reason = PauseReason(request.form.get("reason", ""))
        except ValueError:
            abort(400)
        minutes = request.form.get("minutes", "")
        if reason not in CHOSEN or (minutes and not re.fullmatch(r"[1-9]\d{0,2}", minutes)):
            abort(400)
        now = self._clock()
        until = now + timedelta(minutes=min(int(minutes), LONGEST_PAUSE)) if minutes else None
        note = " ".join(request.form.get("note", "").split())
        with transaction(self._sessions) as session:
            stay = stay_of(session, _operator().operator_id) or abort(409)
            pause_place(session, stay, reason, note=note, until=until, by=_operator().login, now=now)
        self._tell()
        return Response(status=HTTPStatus.NO_CONTENT)

    def resume(self) -> ResponseReturnValue:
        """Calls again."""
        with transaction(self._sessions) as session:
            stay = stay_of(session, _operator().operator_id) or abort(409)
            resume_place(session, stay, by=_operator().login, now=self._clock())
        self._tell()
        return Response(status=HTTPStatus.NO_CONTENT)

    # --- the line

    def line(self) -> ResponseReturnValue:
        """With what the page registers, for some minutes. A page that begins (``fresh``) has no calls yet."""
        mine = self._mine()
        if mine is None or mine.device is not Device.WEB:
            abort(409)
        with self._asterisk() as ami:
            if request.form.get("fresh") == "1":
                expect_page(ami, BACK)
                give_back_calls(ami, mine.extension)
                let_citizens_return(ami)
                expect_page(ami, REGISTERS)
            access = give_password(ami, web_phone(mine.extension))
        url = phone_url(self._settings)
        return jsonify(url=url, user=access.user, password=access.password, seconds=SECONDS)

    def gone(self) -> ResponseReturnValue:
        """The page goes away: whoever it talked with is not lost."""
        mine = self._mine()
        if mine is not None and mine.device is Device.WEB:
            with self._asterisk() as ami:
                # First: without this phone there may be nobody, and whoever waits would be let go.
                expect_page(ami, BACK)
                give_back_calls(ami, mine.extension)
        return Response(status=HTTPStatus.NO_CONTENT)

    # --- who calls

    def card(self, call: str) -> ResponseReturnValue:
        """The card of a call at one's own place: all of it for who talks, else what every display shows."""
        now = self._clock()
        with transaction(self._sessions) as session:
            here = _states_here(session, call)
            if not here:
                abort(404)
            if OnCallState.TALKING in here:
                card = caller_card(session, call, by=_operator().login, now=now)
                ringing = card.ringing if card else None
            else:
                card, ringing = None, ringing_card(session, call, now=now)
            if ringing is None:
                abort(404)
        said = [number for number, file in enumerate(card.said) if self._there(file)] if card else []
        return render_template("caller_card.html", card=card, ringing=ringing, said=said, now=now)

    def said(self, call: str, number: int) -> ResponseReturnValue:
        """What the caller recorded in this call, for who talks with the caller."""
        now = self._clock()
        with transaction(self._sessions) as session:
            given = handed_over(session, call, now=now)
            if given is None or OnCallState.TALKING not in _states_here(session, call):
                abort(404)
            file = self._there(given.recordings[number]) if number < len(given.recordings) else None
            if file is None:
                abort(404)
            note_look(
                session,
                by=_operator().login,
                action=AuditAction.HEARD,
                now=now,
                citizen_id=given.citizen_id,
                detail="said in a call",
            )
        return send_file(file, mimetype="audio/wav", conditional=True)

    def to_call(self) -> ResponseReturnValue:
        """Who is to be called back, as a part of the page."""
        with reading(self._sessions) as session:
            waiting = waiting_for_call(session)
        return render_template("to_call.html", waiting=waiting)

    def call_back(self, reference: str) -> ResponseReturnValue:
        """Take the item, ring the own phone, and call the citizen once it is picked up."""
        mine = self._mine() or abort(409)
        me = _operator()
        with transaction(self._sessions) as session:
            item = request_by_reference(session, reference) or abort(404)
            number = to_call_back(item.contact_e164 or "")
            if number is None or number != item.contact_e164:
                abort(409)
            if item.state is RequestState.RECEIVED:
                with suppress(IllegalChange):
                    change_state(session, item, RequestState.IN_PROGRESS, by=me.login, now=self._clock())
            elif item.state is not RequestState.IN_PROGRESS:
                abort(409)
        if not self._settings.trunk_uri:
            return jsonify(called=False), HTTPStatus.CONFLICT
        with self._asterisk() as ami:
            try:
                ami.send_action(
                    {
                        "Action": "Originate",
                        "Channel": phones_of(mine)[0],
                        "Context": Context.CALLED_BACK,
                        "Exten": number,
                        "Priority": "1",
                        "Timeout": str(OWN_RING * 1000),
                        "CallerID": f'"Richiamata" <{number}>',
                        "Variable": f"{Variable.NUMBER}={number}",
                        "Async": "true",
                    }
                )
            except Refused as e:
                log.error("a call-back by hand: Asterisk does not make the call: %s", e)
                return jsonify(called=False), HTTPStatus.CONFLICT
        return jsonify(called=True)

    # --- helpers

    def _mine(self) -> Place | None:
        with reading(self._sessions) as session:
            return _own(places_now(session))

    def _tell(self) -> None:
        """Bring Asterisk's queues to what was said. The worker does it later where that fails now."""
        mine = self._mine()
        if mine is None:
            return
        with suppress(Gone, DatabaseGone), console_connection(self._settings, self._ami_password) as ami:
            tell_asterisk(ami, self._sessions, mine, now=self._clock())

    def _silence(self, place: Place) -> None:
        """The phone of a place that was left: calls go elsewhere, and its password is gone."""
        if place.device is not Device.WEB:
            return
        with suppress(Gone), console_connection(self._settings, self._ami_password) as ami:
            give_back_calls(ami, place.extension)
            take_password(ami, web_phone(place.extension))

    def _there(self, path: Path) -> Path | None:
        """That recording's file, while it is there. A path that leaves the home folder is no recording."""
        home = self._settings.home.resolve()
        file = (home / path).resolve()
        return file if file.is_relative_to(home) and file.is_file() else None

    @contextmanager
    def _asterisk(self) -> Iterator[Ami]:
        try:
            with console_connection(self._settings, self._ami_password) as ami:
                yield ami
        except Gone as e:
            log.error("%s", e)
            abort(HTTPStatus.SERVICE_UNAVAILABLE)


def tell_asterisk(ami: Ami, sessions: Sessions, place: Place, *, now: datetime) -> None:
    """Bring Asterisk's queues to what a place is, and note that."""
    start = started_at(ami)
    for order in orders_of(place):
        pause_phone(ami, order)
    with transaction(sessions) as session:
        note_told(session, place.stay_id, start=start, now=now)


def phone_url(settings: Settings) -> str:
    """Where the phone in a page that was asked for now reaches Asterisk."""
    if settings.phone_url:
        return settings.phone_url
    host = urlsplit(request.host_url).hostname or ""
    if host in _LOOPBACK:
        return f"ws://{host}:{settings.ws_port}/ws"
    return f"wss://{f'[{host}]' if ':' in host else host}:{settings.wss_port}/ws"


def _own(places: Sequence[Place]) -> Place | None:
    me = _operator().operator_id
    return next((place for place in places if place.operator_id == me), None)


def _states_here(session: Session, call: str) -> set[OnCallState]:
    """How that call stands at the visitor's place; none if it is not there."""
    mine, state = _own(places_now(session)), queue_now(session)
    if mine is None or state is None:
        return set()
    return {on.state for on in state.on_calls if on.call == call and on.extension == mine.extension}


def _operator() -> SignedIn:
    operator: SignedIn = g.operator
    return operator
