"""When the desk is open: the week, single days, and opening or closing it by hand."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from http import HTTPStatus

from flask import Blueprint, abort, render_template, url_for
from flask.typing import ResponseReturnValue

from call_routing.hours import OpeningHours
from console.changing import ChangingPages, accepted, saved
from console.form_reading import Form, written_spans
from console.routes import add_page
from desk.calendar import holidays_in
from desk.db import reading, transaction
from desk.opening_hours import (
    SpecialDay,
    clear_special_day,
    end_override,
    override_by_hand,
    set_special_day,
    set_week,
    special_days,
    week,
)
from desk.permissions import Permission
from desk.settings import ROME
from desk.town import read_town

#: Holidays are shown for so many days.
_AHEAD = timedelta(days=366)


class HoursPages(ChangingPages):
    """The page of the opening hours."""

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the page."""
        for path, name, view, method in (
            ("/hours", "hours", self.hours, "GET"),
            ("/hours/week", "change_week", self.change_week, "POST"),
            ("/hours/days", "add_special_day", self.add_day, "POST"),
            ("/hours/days/remove", "remove_special_day", self.remove_day, "POST"),
            ("/hours/override", "override_hours", self.override, "POST"),
            ("/hours/override/end", "end_override", self.end_override, "POST"),
        ):
            add_page(blueprint, path, name, view, Permission.MANAGE_HOURS, methods=[method])

    def hours(self) -> ResponseReturnValue:
        """All about when the desk is open."""
        return self._page()

    def change_week(self) -> ResponseReturnValue:
        """Other hours of the week."""
        form = self._form()
        spans = {weekday: form.spans(f"weekday-{weekday}") for weekday in range(7)}
        if form.errors:
            return self._page(form, "week")
        with transaction(self._sessions) as db:
            set_week(db, spans, **self._by())
        return saved(url_for("console.hours"))

    def add_day(self) -> ResponseReturnValue:
        """A day with hours of its own, or a closure."""
        form = self._form()
        day, until = form.day("day"), form.day("until") if form.fields.get("until") else None
        closed = form.fields.get("kind") != "open"
        spans = () if closed else form.spans("spans")
        reasons = form.text("reason_it", 200), form.text("reason_en", 200, required=False)
        if not closed and not spans:
            form.wrong("spans", "form.not_spans")
        if day < self._today():
            form.wrong("day", "hours.past")
        days = (until - day).days + 1 if until else 1
        if not 1 <= days <= 62:
            form.wrong("until", "hours.too_many_days")
        if form.errors:
            return self._page(form, "day")
        with self._asking(url_for("console.hours")) as refused, transaction(self._sessions) as db:
            for ahead in range(days):
                special = SpecialDay(day + timedelta(days=ahead), spans, *reasons)
                set_special_day(db, special, accepted=accepted(), **self._by())
        return refused[0] if refused else saved(url_for("console.hours"))

    def remove_day(self) -> ResponseReturnValue:
        """The week's hours again."""
        form = self._form()
        day = form.day("day")
        with transaction(self._sessions) as db:
            if form.errors or not clear_special_day(db, day, **self._by()):
                abort(404)
        return saved(url_for("console.hours"))

    def override(self) -> ResponseReturnValue:
        """Open or close the desk by hand, until a time of today or midnight."""
        form = self._form()
        opened, now = form.fields.get("state") == "open", self._clock()
        if form.fields.get("state") not in ("open", "closed"):
            form.wrong("state", "form.not_chosen")
        with transaction(self._sessions) as db:
            until = OpeningHours.of(read_town(db)).regular_end(now, opened=opened)
            if form.fields.get("until"):
                until = datetime.combine(self._today(), form.clock("until"), ROME)
            if not form.errors and until <= now:
                form.wrong("until", "hours.end_past")
            if not form.errors:
                override_by_hand(db, opened=opened, until=until, **self._by())
        return self._page(form, "override") if form.errors else saved(url_for("console.hours"))

    def end_override(self) -> ResponseReturnValue:
        """The normal hours again."""
        with transaction(self._sessions) as db:
            end_override(db, **self._by())
        return saved(url_for("console.hours"))

    def _page(self, form: Form | None = None, at: str = "") -> ResponseReturnValue:
        now, today = self._clock(), self._today()
        with reading(self._sessions) as db:
            hours = OpeningHours.of(read_town(db))
            spans = {weekday: written_spans(list(of_day)) for weekday, of_day in week(db).items()}
            special = [(each, written_spans(list(each.spans))) for each in special_days(db, since=today)]
        coming = sorted(holidays_in(today.year) | holidays_in(today.year + 1))
        page = render_template(
            "hours.html",
            now_open=hours.is_open(now),
            changes_at=hours.closes_at(now) or hours.next_opening(now),
            by_hand=hours.in_force(now),
            ends={opened: f"{hours.regular_end(now, opened=opened):%H:%M}" for opened in (True, False)},
            midnight=f"{time():%H:%M}",
            week=spans,
            special=special,
            holidays=[day for day in coming if today <= day <= today + _AHEAD],
            form=form,
            at=at,
        )
        return page, HTTPStatus.BAD_REQUEST if form and form.errors else HTTPStatus.OK

    def _today(self) -> date:
        return self._clock().astimezone(ROME).date()
