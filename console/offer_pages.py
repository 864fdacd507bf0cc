"""What the town offers: courses and who is enrolled, rooms and who asked, certificates, offices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus

from flask import Blueprint, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from console.changing import ChangingPages, found, saved
from console.form_reading import Form
from console.routes import add_page
from console.texts import Texts
from desk.agenda import offices
from desk.audit import AuditAction, note_look
from desk.courses import NotEnrolled, withdraw
from desk.db import Sessions, reading, transaction
from desk.models import (
    AppointmentService,
    CertificateKind,
    Course,
    CoursePlace,
    Enrolment,
    Fee,
    Office,
    Request,
    RequestState,
    Room,
    RoomBooking,
    RoomDecision,
    RoomDetails,
    RoomUse,
)
from desk.offering import (
    CodeTaken,
    CourseOrder,
    KindOrder,
    RoomOrder,
    Unknown,
    change_certificate_kind,
    change_fee,
    confirm_enrolment,
    save_course,
    save_office,
    save_room,
    save_service,
)
from desk.permissions import Permission
from desk.rooms import Decided, RoomTaken, approve, refuse
from desk.settings import ROME
from prompts.own_words import Words
from prompts.town_names import COURSES, ROOMS, SERVICES, missing_names

#: Decided requests for rooms are shown for so long after their day.
_SHOWN = timedelta(days=30)


class OfferPages(ChangingPages):
    """The pages of what the town offers."""

    def __init__(
        self, sessions: Sessions, texts: Texts, *, clock: Callable[[], datetime], words: Words
    ) -> None:
        super().__init__(sessions, texts, clock=clock)
        self._words = words

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the pages."""
        for path, name, view, method in (
            ("/courses", "courses", self.courses, "GET"),
            ("/courses/<code>", "course", self.course, "GET"),
            ("/courses/<code>", "save_course", self.save_course, "POST"),
            ("/courses/enrolments/<int:number>", "decide_enrolment", self.decide_enrolment, "POST"),
            ("/rooms", "rooms", self.rooms, "GET"),
            ("/rooms/<code>", "room", self.room, "GET"),
            ("/rooms/<code>", "save_room", self.save_room, "POST"),
            ("/rooms/requests/<int:number>", "decide_room", self.decide_room, "POST"),
            ("/certificates", "certificates", self.certificates, "GET"),
            ("/certificates/<code>", "change_certificate", self.change_certificate, "POST"),
            ("/fees/<code>", "change_fee", self.change_fee, "POST"),
            ("/offices", "offices", self.offices, "GET"),
            ("/offices", "save_office", self.save_office, "POST"),
            ("/offices/services", "save_service", self.save_service, "POST"),
        ):
            add_page(blueprint, path, name, view, Permission.MANAGE_SERVICES, methods=[method])

    def courses(self) -> ResponseReturnValue:
        """All courses and how full they are."""
        with reading(self._sessions) as db:
            courses = db.scalars(select(Course).order_by(Course.position)).all()
            places = select(CoursePlace.course_code, func.count()).group_by(CoursePlace.course_code)
            taken = {code: count for code, count in db.execute(places)}  # noqa: C416 - rows are no pairs
            waits = (
                select(Enrolment.course_code, func.count())
                .where(Enrolment.placed_at.is_(None), Enrolment.cancelled_at.is_(None))
                .group_by(Enrolment.course_code)
            )
            waiting = {code: count for code, count in db.execute(waits)}  # noqa: C416
        return render_template(
            "courses.html",
            courses=courses,
            taken=taken,
            waiting=waiting,
            now=self._clock(),
            silent=self._silent(COURSES, [course.code for course in courses if course.active]),
        )

    def course(self, code: str) -> ResponseReturnValue:
        """One course and who is enrolled; ``new`` is one that is not there yet."""
        return self._course_page(code)

    def save_course(self, code: str) -> ResponseReturnValue:
        """Add or change a course."""
        form, new = self._form(), code == "new"
        order = CourseOrder(
            name_it=form.text("name_it", 80),
            name_en=form.text("name_en", 80),
            enrolment_opens=form.moment("opens_day", "opens_time"),
            enrolment_closes=form.moment("closes_day", "closes_time"),
            first_lesson=form.moment("lesson_day", "lesson_time"),
            fee=form.euro("fee"),
            places=form.whole("places", 1, 500),
            waiting_list=form.whole("waiting_list", 0, 500),
            active=form.ticked("active"),
        )
        code = form.code("code") if new else code
        if not form.errors and order.enrolment_opens >= order.enrolment_closes:
            form.wrong("closes_day", "form.span_backwards")
        if not form.errors:
            try:
                with transaction(self._sessions) as db:
                    save_course(db, code, order, new=new, **self._by())
            except CodeTaken:
                form.wrong("code", "offer.code_taken")
            except Unknown:
                found(None)
        if form.errors:
            return self._course_page("new" if new else code, form)
        return saved(url_for("console.course", code=code), "offer.saved")

    def decide_enrolment(self, number: int) -> ResponseReturnValue:
        """Confirm an enrolment, or withdraw it: then the first who waits moves up."""
        with reading(self._sessions) as db:
            code = found(db.get(Enrolment, number)).course_code
        try:
            with transaction(self._sessions) as db:
                if request.form.get("do") == "withdraw":
                    withdraw(db, number, **self._by())
                else:
                    confirm_enrolment(db, number, **self._by())
        except (NotEnrolled, Unknown):
            return self._course_page(code, problem="courses.gone")
        return saved(url_for("console.course", code=code), "offer.saved")

    def rooms(self) -> ResponseReturnValue:
        """All rooms, and what was asked for."""
        return self._rooms_page()

    def room(self, code: str) -> ResponseReturnValue:
        """One room; ``new`` is one that is not there yet."""
        return self._room_page(code)

    def save_room(self, code: str) -> ResponseReturnValue:
        """Add or change a room."""
        form, new = self._form(), code == "new"
        order = RoomOrder(
            name_it=form.text("name_it", 80),
            name_en=form.text("name_en", 80),
            capacity=form.whole("capacity", 1, 5000),
            notice_days=form.whole("notice_days", 0, 365),
            horizon_days=form.whole("horizon_days", 1, 730),
            active=form.ticked("active"),
            purposes={
                use: form.ticked(f"holidays_{use.value}")
                for use in RoomUse
                if form.ticked(f"for_{use.value}")
            },
        )
        code = form.code("code") if new else code
        if not order.purposes:
            form.wrong("name_it", "rooms.no_purpose")
        if not form.errors and order.notice_days > order.horizon_days:
            form.wrong("horizon_days", "form.span_backwards")
        if not form.errors:
            try:
                with transaction(self._sessions) as db:
                    save_room(db, code, order, new=new, **self._by())
            except CodeTaken:
                form.wrong("code", "offer.code_taken")
            except Unknown:
                found(None)
        if form.errors:
            return self._room_page("new" if new else code, form)
        return saved(url_for("console.rooms"), "offer.saved")

    def decide_room(self, number: int) -> ResponseReturnValue:
        """Approve a request for a room, or refuse it with a reason."""
        form = self._form()
        approving = request.form.get("do") == "approve"
        reason = form.text("reason", 300, required=not approving)
        with reading(self._sessions) as db:
            found(db.get(RoomBooking, number))
        if form.errors:
            return self._rooms_page(form, number)
        try:
            with transaction(self._sessions) as db:
                if approving:
                    approve(db, number, **self._by())
                else:
                    refuse(db, number, reason=reason, **self._by())
        except RoomTaken:
            return self._rooms_page(problem="rooms.taken")
        except Decided:
            return self._rooms_page(problem="rooms.decided")
        return saved(url_for("console.rooms"), "rooms.told")

    def certificates(self) -> ResponseReturnValue:
        """All kinds of certificates."""
        return self._certificates_page()

    def change_certificate(self, code: str) -> ResponseReturnValue:
        """Other fees, another place in the menu, on or off."""
        form = self._form()
        with reading(self._sessions) as db:
            found(db.get(CertificateKind, code))
            most = db.scalar(select(func.count()).select_from(CertificateKind)) or 1
        order = KindOrder(
            position=form.whole("position", 1, most),
            civil_status=form.ticked("civil_status"),
            stamp_duty=form.euro("stamp_duty"),
            secretary_fee=form.euro("secretary_fee"),
            working_days=form.whole("working_days", 0, 60),
            active=form.ticked("active"),
        )
        if not form.errors and order.civil_status and (order.stamp_duty or order.secretary_fee):
            form.wrong("stamp_duty", "certificates.free")
        if form.errors:
            return self._certificates_page(form, code)
        with transaction(self._sessions) as db:
            change_certificate_kind(db, code, order, **self._by())
        return saved(url_for("console.certificates"))

    def change_fee(self, code: str) -> ResponseReturnValue:
        """Another amount for something else that is paid for."""
        form = self._form()
        amount, source = form.euro("amount"), form.text("source", 200)
        with reading(self._sessions) as db:
            found(db.get(Fee, code))
        if form.errors:
            return self._certificates_page(form, f"fee-{code}")
        with transaction(self._sessions) as db:
            change_fee(db, code, amount=amount, source=source, **self._by())
        return saved(url_for("console.certificates"))

    def offices(self) -> ResponseReturnValue:
        """Offices that receive by appointment, and what for."""
        return self._offices_page()

    def save_office(self) -> ResponseReturnValue:
        """Add or change an office."""
        form, new = self._form(), request.form.get("new") == "yes"
        code = form.code("code")
        values = {name: form.text(name, 80) for name in ("name_it", "name_en", "place")}
        if not form.errors:
            try:
                with transaction(self._sessions) as db:
                    save_office(db, code, new=new, **values, **self._by())
            except CodeTaken:
                form.wrong("code", "offer.code_taken")
            except Unknown:
                found(None)
        at = "office" if new else code
        return self._offices_page(form, at) if form.errors else saved(url_for("console.offices"))

    def save_service(self) -> ResponseReturnValue:
        """Add or rename what an office receives for."""
        form, new = self._form(), request.form.get("new") == "yes"
        code, office = form.code("code"), form.text("office", 40)
        name_it, name_en = form.text("name_it", 80), form.text("name_en", 80)
        if not form.errors:
            try:
                with transaction(self._sessions) as db:
                    save_service(db, code, office, name_it=name_it, name_en=name_en, new=new, **self._by())
            except CodeTaken:
                form.wrong("code", "offer.code_taken")
            except Unknown:
                found(None)
        at = f"{office}-service" if new else code
        return self._offices_page(form, at) if form.errors else saved(url_for("console.offices"))

    def _course_page(
        self, code: str, form: Form | None = None, *, problem: str | None = None
    ) -> ResponseReturnValue:
        with transaction(self._sessions) as db:
            course = None if code == "new" else found(db.get(Course, code))
            enrolments = db.scalars(
                select(Enrolment)
                .where(Enrolment.course_code == code)
                .order_by(Enrolment.cancelled_at.is_not(None), Enrolment.placed_at.is_(None), Enrolment.id)
                .options(joinedload(Enrolment.request).joinedload(Request.citizen))
            ).all()
            if enrolments:
                note_look(
                    db,
                    by=g.operator.login,
                    action=AuditAction.LISTED,
                    now=self._clock(),
                    detail=f"course {code}",
                )
        page = render_template(
            "course.html",
            course=course,
            enrolments=enrolments,
            form=form,
            problem=problem,
            done=RequestState.DONE,
            values=_course_values(course),
        )
        return page, _status(form, problem)

    def _rooms_page(
        self, form: Form | None = None, at: int | None = None, *, problem: str | None = None
    ) -> ResponseReturnValue:
        now = self._clock()
        today = now.astimezone(ROME).date()
        with transaction(self._sessions) as db:
            rooms = db.scalars(
                select(Room).order_by(Room.position).options(selectinload(Room.purposes))
            ).all()
            asked = db.scalars(
                select(RoomBooking)
                .where((RoomBooking.decision == RoomDecision.REQUESTED) | (RoomBooking.day >= today - _SHOWN))
                .order_by(RoomBooking.day, RoomBooking.id)
                .options(joinedload(RoomBooking.request).joinedload(Request.citizen))
            ).all()
            if asked:
                note_look(db, by=g.operator.login, action=AuditAction.LISTED, now=now, detail="rooms")
        given = {(each.room_code, each.day, each.part) for each in asked if _is(each, RoomDecision.APPROVED)}
        page = render_template(
            "rooms.html",
            rooms=rooms,
            names={room.code: room for room in rooms},
            open=[each for each in asked if _is(each, RoomDecision.REQUESTED)],
            decided=[each for each in asked if not _is(each, RoomDecision.REQUESTED)],
            details={
                each.id: each.request.details
                for each in asked
                if isinstance(each.request.details, RoomDetails)
            },
            given=given,
            form=form,
            at=at,
            problem=problem,
            silent=self._silent(ROOMS, [room.code for room in rooms if room.active]),
        )
        return page, _status(form, problem)

    def _room_page(self, code: str, form: Form | None = None) -> ResponseReturnValue:
        with reading(self._sessions) as db:
            room = None if code == "new" else found(db.get(Room, code))
            lent = {each.purpose: each.on_holidays for each in room.purposes} if room else {}
        page = render_template("room.html", room=room, lent=lent, uses=list(RoomUse), form=form)
        return page, _status(form, None)

    def _certificates_page(self, form: Form | None = None, at: str = "") -> ResponseReturnValue:
        with reading(self._sessions) as db:
            kinds = db.scalars(select(CertificateKind).order_by(CertificateKind.position)).all()
            fees = db.scalars(select(Fee).order_by(Fee.code)).all()
        page = render_template("certificates.html", kinds=kinds, fees=fees, form=form, at=at)
        return page, _status(form, None)

    def _offices_page(self, form: Form | None = None, at: str = "") -> ResponseReturnValue:
        with reading(self._sessions) as db:
            known: Sequence[Office] = offices(db)
            services: dict[str, list[AppointmentService]] = {
                office.code: list(office.services) for office in known
            }
        offered = [service.code for each in services.values() for service in each if service.active]
        page = render_template(
            "offices.html",
            offices=known,
            services=services,
            form=form,
            at=at,
            silent=self._silent(SERVICES, offered),
        )
        return page, _status(form, None)

    def _silent(self, groups: Sequence[str], codes: Sequence[str]) -> Mapping[str, str]:
        """What the telephone lacks words for, and so does not offer: the first sentence it lacks, by code."""
        catalogue = self._words.now()
        lacking = {code: missing_names(catalogue, groups, code) for code in codes}
        return {code: keys[0] for code, keys in lacking.items() if keys}


def _is(booking: RoomBooking, decision: RoomDecision) -> bool:
    return booking.decision is decision


def _status(form: Form | None, problem: str | None) -> HTTPStatus:
    if problem:
        return HTTPStatus.CONFLICT
    return HTTPStatus.BAD_REQUEST if form and form.errors else HTTPStatus.OK


def _course_values(course: Course | None) -> dict[str, object]:
    """What the form of a course begins with."""
    if course is None:
        return {"opens_time": "00:00", "closes_time": "00:00", "waiting_list": 0, "fee": "0,00"}
    values: dict[str, object] = {
        "name_it": course.name_it,
        "name_en": course.name_en,
        "fee": f"{course.fee:.2f}".replace(".", ","),
        "places": course.places,
        "waiting_list": course.waiting_list,
    }
    for name, moment in (
        ("opens", course.enrolment_opens),
        ("closes", course.enrolment_closes),
        ("lesson", course.first_lesson),
    ):
        here = moment.astimezone(ROME)
        values |= {f"{name}_day": here.date(), f"{name}_time": f"{here:%H:%M}"}
    return values
