"""The wall: how the desk does at this moment, for everybody to see; and the screens that show it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from console.changing import ChangingPages, saved
from console.form_reading import Form
from console.language import language_of_visitor
from console.routes import add_page
from console.texts import Texts
from console.wall_feed import OPERATOR, WallFeed
from desk.db import DatabaseGone, Sessions, reading, transaction
from desk.permissions import Permission
from desk.settings import Settings
from desk.town_changes import note_change
from desk.wall_screens import (
    CODE_VALID,
    NoSuchScreen,
    connect_screen,
    end_screen,
    make_screen,
    screen_with,
    screens,
)

#: What a screen may ask for without a log-in.
SCREENS = frozenset({"console.wall", "console.wall_live"})
#: Browsers keep a cookie for no longer; it is renewed each minute while the wall is shown.
_COOKIE_KEPT = timedelta(days=400)
_LONGEST_NAME = 80


class WallPages(ChangingPages):
    """Everything below ``/console/wall``."""

    def __init__(
        self, sessions: Sessions, texts: Texts, settings: Settings, *, clock: Callable[[], datetime]
    ) -> None:
        super().__init__(sessions, texts, clock=clock)
        self._feed = WallFeed(sessions, clock=clock)
        self._cookie = f"centralino_wall_{settings.web_port}"

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the pages. That of the code is open: whoever has none gets nowhere."""
        add_page(blueprint, "/wall", "wall", self.wall, Permission.SEE_STATISTICS)
        add_page(blueprint, "/wall/live", "wall_live", self.live, Permission.SEE_STATISTICS)
        for path, name, view, method in (
            ("/wall/screens", "wall_screens", self.screens, "GET"),
            ("/wall/screens", "make_wall_screen", self.make, "POST"),
            ("/wall/screens/<int:number>/end", "end_wall_screen", self.end, "POST"),
        ):
            add_page(blueprint, path, name, view, Permission.SHARE_STATISTICS, methods=[method])
        blueprint.add_url_rule("/wall/screen", "wall_screen", self.screen, methods=["GET", "POST"])
        self._feed.register(blueprint)

    def admit_screen(self) -> ResponseReturnValue | None:
        """Before a page of :data:`SCREENS` for who is not logged in: ``g.screen`` is whose key was shown.

        Gives what to answer to a screen whose key opens nothing any more; ``None`` to go on.
        """
        key = request.cookies.get(self._cookie)
        if not key:
            return None
        try:
            with reading(self._sessions) as db:
                g.screen = screen_with(db, key)
        except DatabaseGone:
            # Nobody stands before the screen to press a button: it tries again by itself.
            return Response(
                self._say("error.database"), HTTPStatus.SERVICE_UNAVAILABLE, {"Refresh": "10"}, "text/plain"
            )
        if g.screen is not None:
            return None
        if request.endpoint != "console.wall":
            return Response(status=HTTPStatus.UNAUTHORIZED)
        flash("wall.ended")
        return redirect(url_for("console.wall_screen"), HTTPStatus.SEE_OTHER)

    def wall(self) -> ResponseReturnValue:
        """The page; its script follows the stream."""
        texts = self._texts.group(language_of_visitor(), "wall_live")
        try:
            state = self._feed.state()
        except DatabaseGone:
            # The stream has it as soon as there is something.
            state = {"known": False}
        page = make_response(render_template("wall.html", state=state, texts=texts))
        return self._renewed(page)

    def live(self) -> ResponseReturnValue:
        """The stream of what the wall shows."""
        return self._renewed(self._feed.answer(g.get("screen") or OPERATOR))

    def screen(self) -> ResponseReturnValue:
        """At the screen itself: its code is typed."""
        if request.method == "GET":
            return render_template("wall_screen.html", problem=None)
        code = request.form.get("code", "")[:40]
        with transaction(self._sessions) as db:
            key = connect_screen(db, code, now=self._clock())
        if key is None:
            return render_template("wall_screen.html", problem="wall.wrong_code"), HTTPStatus.FORBIDDEN
        answer = redirect(url_for("console.wall"), HTTPStatus.SEE_OTHER)
        assert isinstance(answer, Response)
        return self._keeping(answer, key)

    def screens(self) -> ResponseReturnValue:
        """The screens there are, and a new one."""
        return self._page()

    def make(self) -> ResponseReturnValue:
        """A new screen: its code is shown this once."""
        form = self._form()
        name = form.text("name", _LONGEST_NAME)
        if form.errors:
            return self._page(form=form), HTTPStatus.BAD_REQUEST
        by = self._by()
        with transaction(self._sessions) as db:
            screen, code = make_screen(db, name=name, **by)
            note_change(db, what="wall_screens", which=screen.id, before=None, after={"name": name}, **by)
        return self._page(code=code)

    def end(self, number: int) -> ResponseReturnValue:
        """A screen sees nothing any more."""
        by = self._by()
        try:
            with transaction(self._sessions) as db:
                screen = end_screen(db, number, now=by["now"])
                note_change(
                    db, what="wall_screens", which=number, before={"name": screen.name}, after=None, **by
                )
        except NoSuchScreen:
            abort(HTTPStatus.NOT_FOUND)
        return saved(url_for("console.wall_screens"), "wall.screen_ended")

    def _page(self, *, form: Form | None = None, code: str | None = None) -> str:
        with reading(self._sessions) as db:
            found = screens(db)
        return render_template(
            "wall_screens.html",
            screens=found,
            form=form,
            code=code,
            now=self._clock(),
            minutes=CODE_VALID // timedelta(minutes=1),
            longest_name=_LONGEST_NAME,
            address=url_for("console.wall_screen", _external=True),
        )

    def _renewed(self, answer: Response) -> Response:
        """A screen that is on keeps its key for as long as a browser may keep one."""
        if g.get("screen") is not None:
            return self._keeping(answer, request.cookies[self._cookie])
        return answer

    def _keeping(self, answer: Response, key: str) -> Response:
        answer.set_cookie(
            self._cookie,
            key,
            max_age=_COOKIE_KEPT,
            path=url_for("console.wall"),
            secure=request.is_secure,
            httponly=True,
            samesite="Strict",
        )
        return answer
