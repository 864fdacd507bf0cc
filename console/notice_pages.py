"""The emergency notice: what every caller hears first, until it expires or is cleared."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus

from flask import Blueprint, abort, render_template, send_file, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from console.changing import ChangingPages, saved
from console.form_reading import Form
from console.routes import add_page
from console.texts import Texts
from desk.db import Sessions, reading, transaction
from desk.models import Notice
from desk.notices import LANGUAGES, clear_notices, notices_in_force, set_notice, sound_of
from desk.permissions import Permission
from desk.settings import ROME, Settings
from desk.town_changes import note_change

#: Longer ones keep everybody waiting: about 25 seconds of speech.
LONGEST = 350
_PAST_SHOWN = 10


class NoticePages(ChangingPages):
    """The page of the emergency notice."""

    def __init__(
        self, sessions: Sessions, texts: Texts, settings: Settings, *, clock: Callable[[], datetime]
    ) -> None:
        super().__init__(sessions, texts, clock=clock)
        self._settings = settings

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the page."""
        for path, name, view, method in (
            ("/notices", "notices", self.notices, "GET"),
            ("/notices", "set_notice", self.set, "POST"),
            ("/notices/clear", "clear_notices", self.clear, "POST"),
            ("/notices/<int:number>/<language>.wav", "notice_sound", self.sound, "GET"),
        ):
            add_page(blueprint, path, name, view, Permission.SET_NOTICES, methods=[method])

    def notices(self) -> ResponseReturnValue:
        """What is in force, a new one, and the last ones."""
        return self._page()

    def set(self) -> ResponseReturnValue:
        """Put a notice in force."""
        form = self._form()
        texts = {
            "it": form.text("text_it", LONGEST),
            "en": form.text("text_en", LONGEST, required=False),
        }
        until = form.moment("until_day", "until_time")
        if not form.errors and until <= self._clock():
            form.wrong("until_day", "notices.past")
        if form.errors:
            return self._page(form)
        by = self._by()
        with transaction(self._sessions) as db:
            notice = set_notice(
                db, texts={each: text for each, text in texts.items() if text}, expires_at=until, **by
            )
            note_change(
                db, what="notices", which=notice.id, before=None, after={**texts, "until": until}, **by
            )
        return saved(url_for("console.notices"), "notices.saved")

    def clear(self) -> ResponseReturnValue:
        """End what is in force."""
        by = self._by()
        with transaction(self._sessions) as db:
            ended = clear_notices(db, **by)
            note_change(db, what="notices", which="all", before=None, after={"ended": ended}, **by)
        return saved(url_for("console.notices"), "notices.cleared")

    def sound(self, number: int, language: str) -> ResponseReturnValue:
        """The notice as callers hear it."""
        if language not in LANGUAGES:
            abort(404)
        file = sound_of(self._settings, number, language)
        if not file.is_file():
            abort(404)
        return send_file(file, mimetype="audio/wav", conditional=True)

    def _page(self, form: Form | None = None) -> ResponseReturnValue:
        now = self._clock()
        with reading(self._sessions) as db:
            in_force = notices_in_force(db, now=now)
            past = db.scalars(
                select(Notice)
                .where(Notice.id.not_in([notice.id for notice in in_force]))
                .order_by(Notice.id.desc())
                .limit(_PAST_SHOWN)
            ).all()
        heard = {
            (notice.id, language)
            for notice in in_force
            for language in LANGUAGES
            if sound_of(self._settings, notice.id, language).is_file()
        }
        page = render_template(
            "notices.html",
            in_force=in_force,
            past=past,
            heard=heard,
            form=form,
            longest=LONGEST,
            today=now.astimezone(ROME).date(),
        )
        return page, HTTPStatus.BAD_REQUEST if form else HTTPStatus.OK
