"""The one web application: the operators' console, the health page and everything that comes in over HTTP."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from flask import (
    Flask,
    Response,
    abort,
    current_app,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.sessions import SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFError, CSRFProtect
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException

from console.language import language_of_visitor
from console.pages import console_blueprint
from console.profile_pages import FIRST, NEVER_LATER
from console.report_mail_pages import ReportMailPages
from console.routes import declare, may_open
from console.sign_in import BACKGROUND, SignIn
from console.texts import Texts
from console.wall_pages import SCREENS, WallPages
from desk.attachments import LARGEST
from desk.db import DatabaseGone, connect, sessions
from desk.keyring import Keyring
from desk.permissions import Permission
from desk.settings import Settings
from desk.two_step import TwoStep
from prompts.own_words import Words
from webhooks.access_log import log_requests
from webhooks.api.description import description_page
from webhooks.api.serving import KEYED, PREFIX, Api
from webhooks.calendars import calendar_page
from webhooks.health import health_page
from webhooks.menu_page import menu_page
from webhooks.metrics import metrics_page
from webhooks.problems import UNAVAILABLE, problem, problem_of_status
from webhooks.security import secure
from webhooks.twilio import PREFIX as TWILIO_PREFIX
from webhooks.twilio import TwilioHooks
from webhooks.waiting_page import waiting_api, waiting_page

log = logging.getLogger(__name__)

#: The only routes that answer without a log-in: everything else needs one, now and when routes are added.
OPEN = frozenset(
    {
        "health",
        "metrics",
        "openapi",
        "office_calendar",
        "menu",
        "wait",
        "wait_api",
        "console.sign_in",
        "console.second_step",
        "console.single_sign_on",
        "console.single_sign_on_back",
        "console.accessibility",
        "console.wall_screen",
        "console.stop_report_mail",
        "console.static",
    }
)
#: Those that ask for a signature instead: Twilio's, or that of the town's own log-in. Those of :data:`KEYED`
#: ask for an API key.
SIGNED = frozenset(
    {"console.single_sign_on_ended", "twilio.status", "twilio.sms", "twilio.voice", "twilio.unanswered"}
)

#: No form of ours is anywhere near this large.
LONGEST_BODY = 64 * 1024
#: But for documents that are attached, which only who is logged in may send.
UPLOADS = frozenset({"console.attach"})


def create_app(
    settings: Settings, keyring: Keyring, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Flask:
    """Make the application. ``clock`` gives aware times.

    Opens no connection by itself: it starts, and says what is wrong, also while the database is away.
    """
    app = Flask(__name__, static_folder=None)
    app.config.update(
        SECRET_KEY=keyring.web_key,
        MAX_CONTENT_LENGTH=LONGEST_BODY,
        # Cookies ignore ports: two systems on one machine must not log each other out.
        SESSION_COOKIE_NAME=f"centralino_{settings.web_port}",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        # The token lives as long as the session, which ends by itself.
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.session_interface = _SessionCookies()
    app.jinja_env.undefined = StrictUndefined

    # Under this name whoever made the application can close its connections.
    app.extensions["engine"] = engine = connect(settings.url)
    database = sessions(engine)
    texts = Texts.read()
    two_step = TwoStep(keyring.web_key)
    sign_in = SignIn(database, texts, settings, two_step, clock=clock)

    log_requests(app)
    secure(app, settings)
    # Before the check of the token, which reads the form.
    app.before_request(_allow_uploads)
    csrf = CSRFProtect(app)
    sign_in.login_manager().init_app(app, add_context_processor=False)
    wall = WallPages(database, texts, settings, clock=clock)
    mails = ReportMailPages(database, texts, keyring.web_key, clock=clock)
    # A mail program's button has no token of ours; the secret of the address is what counts.
    csrf.exempt(mails.stop_report_mail)
    app.register_blueprint(
        console_blueprint(
            database, texts, sign_in, (wall, mails), settings, two_step, keyring.console_password, clock=clock
        )
    )
    app.before_request(lambda: _require_log_in(wall))
    app.add_url_rule("/health", "health", health_page(engine))
    app.add_url_rule("/metrics", "metrics", metrics_page(database, settings, clock=clock))
    app.add_url_rule(
        "/calendars/<office>/<token>.ics",
        "office_calendar",
        calendar_page(database, keyring.web_key, clock=clock),
    )
    app.add_url_rule(
        "/menu",
        "menu",
        menu_page(
            database,
            Words(settings.sounds, settings.home),
            texts,
            number=settings.town_number,
            email=settings.town_email,
            clock=clock,
        ),
    )
    app.add_url_rule("/wait", "wait", waiting_page(database, clock=clock))
    app.add_url_rule("/api/wait", "wait_api", waiting_api(database, clock=clock))
    app.add_url_rule(
        f"{PREFIX}/openapi.json",
        "openapi",
        description_page(settings.public_url or f"http://{settings.web_address}:{settings.web_port}"),
    )
    for blueprint in (
        Api(database, keyring.web_key, clock=clock).blueprint(),
        TwilioHooks(settings, database, clock=clock).blueprint(),
    ):
        app.register_blueprint(blueprint)
        # No browser is led here with somebody's cookie: a key or a signature is asked for.
        csrf.exempt(blueprint)
    csrf.exempt(app.view_functions["console.single_sign_on_ended"])
    for start in ("/", "/console/"):
        app.add_url_rule(start, "start", _to_requests)
    declare(app, "start", Permission.USE_CONSOLE)
    _add_error_pages(app, texts)
    return app


def _allow_uploads() -> None:
    if request.endpoint in UPLOADS and current_user.is_authenticated:
        # The document, and what a form needs around it.
        request.max_content_length = LARGEST + LONGEST_BODY


def _to_requests() -> ResponseReturnValue:
    return redirect(url_for("console.requests"))


class _SessionCookies(SecureCookieSessionInterface):
    """Marks the cookie Secure on every https connection, also one that a proxy in front of us ends."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


def _require_log_in(wall: WallPages) -> ResponseReturnValue | None:
    # An address without a page has nothing to protect: it gets its 404.
    if request.endpoint is None or request.endpoint in OPEN | KEYED | SIGNED:
        return None
    if current_user.is_authenticated:
        g.operator = current_user._get_current_object()
        if (first := FIRST.get(g.operator.must)) and request.endpoint not in {first, *NEVER_LATER}:
            if request.endpoint in BACKGROUND:
                return Response(status=403)
            return redirect(url_for(first), 303)
        if not may_open(current_app, g.operator.role, request.endpoint):
            abort(403)
        return None
    if request.endpoint in SCREENS and ((answer := wall.admit_screen()) or g.get("screen")):
        return answer
    if request.endpoint in BACKGROUND:
        return Response(status=401)
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("console.sign_in", next=wanted), 303)


def _asked_by_a_program() -> bool:
    return request.path.startswith((f"{PREFIX}/", f"{TWILIO_PREFIX}/"))


def _add_error_pages(app: Flask, texts: Texts) -> None:
    """Every failure ends on a page in the visitor's language that says what to do and gives nothing away."""

    def page(key: str, status: int, *, retry: bool = False) -> ResponseReturnValue:
        if request.endpoint in BACKGROUND:
            return Response(status=status)
        language = language_of_visitor()
        again = request.full_path.rstrip("?") if retry and request.method == "GET" else None
        return (
            render_template(
                "error.html",
                title=texts.say(language, f"error.{key}_title"),
                text=texts.say(language, f"error.{key}"),
                retry=again,
            ),
            status,
        )

    def database_gone(_: DatabaseGone) -> ResponseReturnValue:
        log.error("the database cannot be reached")
        if _asked_by_a_program():
            return problem(UNAVAILABLE)
        return page("database", 503, retry=True)

    def expired_form(_: CSRFError) -> ResponseReturnValue:
        if request.endpoint == "console.sign_in":
            flash("sign_in.expired")
            return redirect(url_for("console.sign_in"), 303)
        return page("bad_request", 400)

    def http_error(error: HTTPException) -> ResponseReturnValue:
        if error.response is not None:
            return error.response
        status = error.code or 500
        allowed = error.get_response().headers.get("Allow")
        headers = {"Allow": allowed} if allowed else {}
        if _asked_by_a_program():
            return problem_of_status(status, headers)
        known = {403: "forbidden", 404: "not_found"}
        answer = make_response(page(known.get(status, "bad_request" if status < 500 else "server"), status))
        answer.headers.update(headers)
        return answer

    app.register_error_handler(DatabaseGone, database_gone)
    app.register_error_handler(CSRFError, expired_form)
    app.register_error_handler(HTTPException, http_error)
