"""When an office receives: the rules of its services, the spans of the week, absences."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from console.changing import ChangingPages, accepted, found, saved
from console.form_reading import Form
from console.routes import add_page
from desk.agenda import offices
from desk.agenda_rules import (
    Overlaps,
    Rules,
    add_absence,
    add_pattern,
    change_rules,
    remove_absence,
    remove_pattern,
    stranded,
)
from desk.db import reading, transaction
from desk.models import Absence, AppointmentService, Booking, Office, SlotPattern
from desk.permissions import Permission

#: The rules of a service that are numbers: the least and the most of each.
LIMITS = {
    "slot_minutes": (5, 480),
    "capacity": (1, 50),
    "notice_hours": (0, 720),
    "horizon_days": (1, 366),
    "most_per_citizen": (1, 20),
    "kept_percent": (0, 100),
    "kept_until_days": (0, 60),
}


class AgendaRulePages(ChangingPages):
    """The pages about when offices receive."""

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the pages."""
        for path, name, view, method in (
            ("/agenda/rules", "agenda_rules", self.rules, "GET"),
            ("/agenda/rules/<service>", "change_agenda_rules", self.change, "POST"),
            ("/agenda/rules/<service>/patterns", "add_pattern", self.add_pattern, "POST"),
            ("/agenda/patterns/<int:number>/remove", "remove_pattern", self.remove_pattern, "POST"),
            ("/agenda/absences/<office>", "add_absence", self.add_absence, "POST"),
            ("/agenda/absences/<int:number>/remove", "remove_absence", self.remove_absence, "POST"),
        ):
            add_page(blueprint, path, name, view, Permission.MANAGE_AGENDA, methods=[method])

    def rules(self) -> ResponseReturnValue:
        """All about one office."""
        return self._page(request.args.get("office"))

    def change(self, service: str) -> ResponseReturnValue:
        """Give a service other rules."""
        form = self._form()
        numbers = {name: form.whole(name, *limits) for name, limits in LIMITS.items()}
        rules = Rules(**numbers, active=form.ticked("active"))
        with reading(self._sessions) as db:
            office = found(db.get(AppointmentService, service)).office_code
        if form.errors:
            return self._page(office, form=form, at=service, status=HTTPStatus.BAD_REQUEST)
        with self._asking(_address(office)) as refused, transaction(self._sessions) as db:
            change_rules(
                db, db.get_one(AppointmentService, service), rules, accepted=accepted(), **self._by()
            )
        return refused[0] if refused else self._back(office)

    def add_pattern(self, service: str) -> ResponseReturnValue:
        """One more span of the week."""
        form = self._form()
        weekday = form.whole("weekday", 0, 6)
        begins, ends = form.clock("begins"), form.clock("ends")
        if begins >= ends:
            form.wrong("ends", "form.span_backwards")
        with reading(self._sessions) as db:
            office = found(db.get(AppointmentService, service)).office_code
        if not form.errors:
            try:
                with transaction(self._sessions) as db:
                    add_pattern(
                        db,
                        db.get_one(AppointmentService, service),
                        weekday=weekday,
                        begins=begins,
                        ends=ends,
                        **self._by(),
                    )
            except Overlaps:
                form.wrong("begins", "rules.overlaps")
            else:
                return self._back(office)
        return self._page(office, form=form, at=f"{service}-pattern", status=HTTPStatus.BAD_REQUEST)

    def remove_pattern(self, number: int) -> ResponseReturnValue:
        """One span less."""
        with reading(self._sessions) as db:
            pattern = found(db.get(SlotPattern, number))
            office = db.get_one(AppointmentService, pattern.service_code).office_code
        with self._asking(_address(office)) as refused, transaction(self._sessions) as db:
            remove_pattern(db, found(db.get(SlotPattern, number)), accepted=accepted(), **self._by())
        return refused[0] if refused else self._back(office)

    def add_absence(self, office: str) -> ResponseReturnValue:
        """A time in which the office receives nobody."""
        form = self._form()
        begins, ends = form.moment("from_day", "from_time"), form.moment("to_day", "to_time")
        reason = form.text("reason", 200)
        if not form.errors and begins >= ends:
            form.wrong("to_day", "form.span_backwards")
        with reading(self._sessions) as db:
            found(db.get(Office, office))
        if form.errors:
            return self._page(office, form=form, at="absence", status=HTTPStatus.BAD_REQUEST)
        with self._asking(_address(office)) as refused, transaction(self._sessions) as db:
            add_absence(
                db,
                db.get_one(Office, office),
                begins_at=begins,
                ends_at=ends,
                reason=reason,
                accepted=accepted(),
                **self._by(),
            )
        return refused[0] if refused else self._back(office)

    def remove_absence(self, number: int) -> ResponseReturnValue:
        """The office receives after all."""
        with transaction(self._sessions) as db:
            absence = found(db.get(Absence, number))
            office = absence.office_code
            remove_absence(db, absence, **self._by())
        return self._back(office)

    def _page(
        self, code: str | None, *, form: Form | None = None, at: str = "", status: HTTPStatus = HTTPStatus.OK
    ) -> ResponseReturnValue:
        now = self._clock()
        with reading(self._sessions) as db:
            known = offices(db)
            office = next((each for each in known if each.code == code), known[0] if known else None)
            if office is None:
                abort(404)
            services = list(office.services)
            for service in services:
                service.patterns.sort(key=lambda pattern: (pattern.weekday, pattern.begins))
            absences = db.scalars(
                select(Absence)
                .where(Absence.office_code == office.code, Absence.ends_at > now)
                .order_by(Absence.begins_at)
            ).all()
            lost: list[Booking] = list(stranded(db, services, now=now))
        page = render_template(
            "agenda_rules.html",
            offices=known,
            office=office,
            services=services,
            absences=absences,
            lost=lost,
            form=form,
            at=at,
            limits=LIMITS,
        )
        return page, status

    def _back(self, office: str) -> ResponseReturnValue:
        return saved(_address(office), "rules.saved")


def _address(office: str) -> str:
    return url_for("console.agenda_rules", office=office)
