"""The desk's phones, the offices' own numbers, and the rules of the queue."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from console.changing import ChangingPages, found, saved
from console.form_reading import Form
from console.routes import add_page
from desk.db import reading, transaction
from desk.exchange_rules import (
    InUse,
    PhoneOrder,
    QueueOrder,
    Taken,
    UnknownPhone,
    add_phone,
    change_phone,
    change_routing_rules,
    phones,
    remove_direct_line,
    remove_phone,
    set_direct_line,
)
from desk.models import DirectLine, JobResult, JobState, Phone, RoutingRules, Tier
from desk.permissions import Permission

#: The rules of the queue that are numbers: the least and the most of each.
LIMITS = {
    "wrap_up_seconds": (0, 600),
    "announce_seconds": (15, 600),
    "call_back_after_seconds": (0, 3600),
    "longest_wait_seconds": (60, 7200),
    "same_operator_days": (0, 90),
    "short_abandon_seconds": (0, 60),
    "recordings_days": (1, 365),
}
SWITCHES = ("survey", "record_calls")
#: The worker's job that brings Asterisk's configuration up to date.
JOB = "exchange"


class TelephonePages(ChangingPages):
    """The pages of phones and of the queue's rules."""

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the pages."""
        for path, name, view, method in (
            ("/phones", "phones", self.phones, "GET"),
            ("/phones", "add_phone", self.add, "POST"),
            ("/phones/<extension>", "telephone", self.phone, "GET"),
            ("/phones/<extension>", "change_phone", self.change, "POST"),
            ("/phones/<extension>/remove", "remove_phone", self.remove, "POST"),
            ("/phones/lines", "set_direct_line", self.set_line, "POST"),
            ("/phones/lines/remove", "remove_direct_line", self.remove_line, "POST"),
            ("/routing", "routing", self.routing, "GET"),
            ("/routing", "change_routing", self.change_routing, "POST"),
        ):
            add_page(blueprint, path, name, view, Permission.MANAGE_PHONES, methods=[method])

    def phones(self) -> ResponseReturnValue:
        """All phones and lines."""
        return self._page()

    def add(self) -> ResponseReturnValue:
        """One more phone."""
        form = self._form()
        extension = form.text("extension", 6)
        if extension and not (extension.isascii() and extension.isdigit() and len(extension) >= 2):
            form.wrong("extension", "phones.not_an_extension")
        order = _order(form)
        if not form.errors:
            try:
                with transaction(self._sessions) as db:
                    add_phone(db, extension, order, **self._by())
            except Taken:
                form.wrong("extension", "phones.taken")
        return self._page(form, "phone") if form.errors else saved(url_for("console.phones"), "phones.saved")

    def phone(self, extension: str) -> ResponseReturnValue:
        """One phone."""
        return self._one(extension)

    def change(self, extension: str) -> ResponseReturnValue:
        """Another tier, label or time to ring."""
        form = self._form()
        order = _order(form)
        if form.errors:
            return self._one(extension, form)
        try:
            with transaction(self._sessions) as db:
                change_phone(db, extension, order, **self._by())
        except UnknownPhone:
            abort(404)
        except InUse:
            return self._one(extension, problem="phones.last_one")
        return saved(url_for("console.phones"), "phones.saved")

    def remove(self, extension: str) -> ResponseReturnValue:
        """One phone less."""
        try:
            with transaction(self._sessions) as db:
                remove_phone(db, extension, **self._by())
        except UnknownPhone:
            abort(404)
        except InUse:
            return self._one(extension, problem="phones.in_use")
        return saved(url_for("console.phones"), "phones.saved")

    def set_line(self) -> ResponseReturnValue:
        """An office's own number, new or changed."""
        form = self._form()
        office = form.text("office", 40)
        extensions = form.text("extensions", 60).replace(",", " ").split()
        number = form.number("number")
        if len(set(extensions)) != len(extensions):
            form.wrong("extensions", "phones.unknown")
        if number is not None and not form.errors:
            try:
                with transaction(self._sessions) as db:
                    set_direct_line(
                        db,
                        number,
                        office=office,
                        extensions=extensions,
                        fallback=form.ticked("fallback"),
                        **self._by(),
                    )
            except UnknownPhone:
                form.wrong("extensions", "phones.unknown")
        return self._page(form, "line") if form.errors else saved(url_for("console.phones"), "phones.saved")

    def remove_line(self) -> ResponseReturnValue:
        """The number leads to the desk like any other."""
        with transaction(self._sessions) as db:
            if not remove_direct_line(db, request.form.get("number", ""), **self._by()):
                abort(404)
        return saved(url_for("console.phones"), "phones.saved")

    def routing(self) -> ResponseReturnValue:
        """The rules of the queue."""
        return self._routing_page()

    def change_routing(self) -> ResponseReturnValue:
        """Other rules."""
        form = self._form()
        numbers = {name: form.whole(name, *limits) for name, limits in LIMITS.items()}
        if not form.errors and numbers["call_back_after_seconds"] >= numbers["longest_wait_seconds"]:
            form.wrong("call_back_after_seconds", "routing.after_the_end")
        if not form.errors and numbers["announce_seconds"] > numbers["longest_wait_seconds"]:
            form.wrong("announce_seconds", "routing.after_the_end")
        if form.errors:
            return self._routing_page(form)
        order = QueueOrder(
            wrap_up_seconds=numbers["wrap_up_seconds"],
            announce_seconds=numbers["announce_seconds"],
            call_back_after_seconds=numbers["call_back_after_seconds"],
            longest_wait_seconds=numbers["longest_wait_seconds"],
            same_operator_days=numbers["same_operator_days"],
            short_abandon_seconds=numbers["short_abandon_seconds"],
            recordings_days=numbers["recordings_days"],
            survey=form.ticked("survey"),
            record_calls=form.ticked("record_calls"),
        )
        with transaction(self._sessions) as db:
            change_routing_rules(db, order, **self._by())
        return saved(url_for("console.routing"), "phones.saved")

    def _page(self, form: Form | None = None, at: str = "") -> ResponseReturnValue:
        with reading(self._sessions) as db:
            known = phones(db)
            lines = db.scalars(
                select(DirectLine).order_by(DirectLine.e164).options(selectinload(DirectLine.phones))
            ).all()
            job = db.get(JobState, JOB)
        page = render_template(
            "phones.html",
            phones=known,
            lines=lines,
            tiers=list(Tier),
            form=form,
            at=at,
            waits=_waits(job),
        )
        return page, HTTPStatus.BAD_REQUEST if form else HTTPStatus.OK

    def _one(
        self, extension: str, form: Form | None = None, *, problem: str | None = None
    ) -> ResponseReturnValue:
        with reading(self._sessions) as db:
            phone = found(db.get(Phone, extension))
        page = render_template("telephone.html", phone=phone, tiers=list(Tier), form=form, problem=problem)
        if problem:
            return page, HTTPStatus.CONFLICT
        return page, HTTPStatus.BAD_REQUEST if form else HTTPStatus.OK

    def _routing_page(self, form: Form | None = None) -> ResponseReturnValue:
        with reading(self._sessions) as db:
            rules = db.get(RoutingRules, 1)
            job = db.get(JobState, JOB)
        usual = {
            column.key: column.default.arg for column in RoutingRules.__table__.columns if column.default
        }
        values = {name: getattr(rules, name) if rules else usual[name] for name in (*LIMITS, *SWITCHES)}
        page = render_template(
            "routing.html", values=values, limits=LIMITS, switches=SWITCHES, form=form, waits=_waits(job)
        )
        return page, HTTPStatus.BAD_REQUEST if form else HTTPStatus.OK


def _order(form: Form) -> PhoneOrder:
    return PhoneOrder(
        tier=form.chosen("tier", Tier),
        label=form.text("label", 40),
        ring_seconds=form.whole("ring_seconds", 5, 120),
        may_override=form.ticked("may_override"),
    )


def _waits(job: JobState | None) -> bool:
    """Whether Asterisk cannot be told while it runs: what is changed waits for the next start."""
    return job is None or job.result is JobResult.FAILED
