"""The pages of the managers' figures: every one reads the same question from its address."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from http import HTTPStatus
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from console import statistics_views as views
from console.form_reading import Form
from console.language import language_of_visitor
from console.routes import add_page, may_open
from console.statistics_frame import WHERE, PageKind, StatisticsFrame, refuse
from console.statistics_list import StatisticsList, list_for_file
from console.statistics_overview import is_filtered, overview_page
from console.statistics_parts import Asking, Link, Piece, Row, cells_of
from console.texts import Language, Texts
from desk.counter import set_inhabitants
from desk.db import Sessions, reading, transaction
from desk.models import CallSums
from desk.permissions import Permission
from desk.settings import Settings
from reports.calls import heat_map
from reports.citizen_figures import latest_inhabitants
from reports.counter_figures import FlowBy
from reports.definitions import definitions
from reports.exports import MEDIA_TYPES, as_csv, as_json, as_pdf, as_xlsx
from reports.figures import Table
from reports.periods import Period, day_in_rome
from reports.request_figures import RequestsBy
from reports.rollups import made_until
from reports.staffing import sentence
from reports.staffing_plan import Wish, plan
from reports.staffing_plan import as_table as plan_as_table
from reports.staffing_rows import NothingRecorded
from reports.year import YearFigures, YearToCome, year_figures

#: Years that can be asked for in a report.
_OLDEST_YEAR = 2000

#: Pages that consist of tables, by the last part of their endpoint.
PAGES: Mapping[str, PageKind] = {
    "calls": PageKind(
        "/statistics/calls",
        views.calls,
        WHERE | {"limits", "operator"},
        tuple(by.value for by in views.CALLS_BY),
        tuple(views.CALL_VIEWS),
    ),
    "lost": PageKind("/statistics/lost", views.lost),
    "operators": PageKind("/statistics/operators", views.occupancy, frozenset({"operator"})),
    "ivr": PageKind("/statistics/ivr", views.ivr, frozenset({"language"})),
    "requests": PageKind(
        "/statistics/requests",
        views.requests,
        frozenset({"channel", "kind"}),
        tuple(dict.fromkeys((RequestsBy.KIND.value, *(by.value for by in RequestsBy)))),
    ),
    "counter": PageKind("/statistics/counter", views.counter, by=tuple(by.value for by in FlowBy)),
    "appointments": PageKind("/statistics/appointments", views.appointments),
    "messages": PageKind("/statistics/messages", views.messages),
    "citizens": PageKind("/statistics/citizens", views.citizens),
    "quality": PageKind("/statistics/quality", views.quality),
}
#: Filters of the pages that have a form of their own.
_OVERVIEW = WHERE | {"limits", "compare"}


class StatisticsPages:
    """All pages of figures."""

    def __init__(
        self, sessions: Sessions, texts: Texts, settings: Settings, *, clock: Callable[[], datetime]
    ) -> None:
        self._sessions = sessions
        self._texts = texts
        self._settings = settings
        self._clock = clock
        self._frame = StatisticsFrame(sessions, texts, settings, clock=clock)

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the pages."""
        see, take = Permission.SEE_STATISTICS, Permission.EXPORT_STATISTICS
        for path, name, view, permission in (
            ("/statistics", "statistics", self.overview, see),
            ("/statistics/when", "statistics_when", self.when, see),
            ("/statistics/staffing", "statistics_staffing", self.staffing, see),
            ("/statistics/year", "statistics_year", self.years, see),
            ("/statistics/year/<year>.html", "statistics_year_page", self.year_page, see),
            ("/statistics/year/<year>.pdf", "statistics_year_file", self.year_file, take),
            ("/statistics/definitions", "statistics_definitions", self.definitions, see),
            ("/statistics/files/<page>/<table>.<form>", "statistics_file", self.file, take),
        ):
            add_page(blueprint, path, name, view, permission)
        for name, kind in PAGES.items():
            add_page(blueprint, kind.path, f"statistics_{name}", self._view_of(name), see)
        StatisticsList(self._sessions, self._frame, clock=self._clock).add_to(blueprint)
        add_page(
            blueprint,
            "/statistics/citizens",
            "set_inhabitants",
            self.inhabitants,
            Permission.MANAGE_SERVICES,
            methods=["POST"],
        )

    def overview(self) -> ResponseReturnValue:
        """The main figures beside those of the period before."""
        with self._frame.asking() as asking:
            page = overview_page(asking)
            made_at = made_until(asking.session)
            frame = self._frame.around(asking, "overview", _OVERVIEW)
            return render_template(
                "statistics_overview.html",
                page=page,
                filtered=is_filtered(asking),
                made_at=made_at,
                **frame,
            )

    def when(self) -> ResponseReturnValue:
        """When in the week calls come: a heat map, the busiest half hours and days."""
        with self._frame.asking() as asking:
            question = asking.question
            heat = heat_map(asking.session, question.period, where=question.where)
            busy = sorted(half for (_, half), count in heat.offered.items() if count)
            halves = range(busy[0], busy[-1] + 1) if busy else range(0)
            highest = max((peak.calls for peak in heat.peaks(1)), default=0.0)
            called = {weekday for (weekday, _), count in heat.offered.items() if count}
            weekdays = [weekday for weekday in range(7) if weekday < 5 or weekday in called]

            def cell(weekday: int, half: int) -> dict[str, Any]:
                mean, count = heat.mean(weekday, half), heat.offered.get((weekday, half), 0)
                return {
                    "count": count,
                    "mean": mean,
                    # 0 is nothing, 6 the busiest half hour.
                    "step": math.ceil(6 * mean / highest) if mean and highest else 0,
                    "link": views.list_address(question.but(weekday=weekday, half=half), "offered")
                    if count
                    else None,
                }

            pieces = [Piece(asking.table("peaks")), Piece(views.busiest(asking), link=_day_link(asking))]
            return render_template(
                "statistics_when.html",
                rows=[(half, [cell(weekday, half) for weekday in weekdays]) for half in halves],
                weekdays=weekdays,
                any_calls=bool(busy),
                heat=Piece(asking.table("heat")),
                pieces=[(piece, cells_of(piece, asking.names)) for piece in pieces],
                **self._frame.around(asking, "when", WHERE),
            )

    def _view_of(self, name: str) -> Callable[[], ResponseReturnValue]:
        kind = PAGES[name]

        def view() -> ResponseReturnValue:
            with self._frame.asking(kind) as asking:
                return self._page(asking, name)

        return view

    def _page(
        self, asking: Asking, name: str, *, form: Form | None = None, status: int = HTTPStatus.OK
    ) -> ResponseReturnValue:
        pieces = PAGES[name].make(asking)
        more: dict[str, Any] = {}
        if name == "citizens":
            more = {
                "people": latest_inhabitants(asking.session, day_in_rome(asking.now)),
                "form": form,
                "today": day_in_rome(asking.now),
                "may_set": may_open(current_app, g.operator.role, "console.set_inhabitants"),
            }
        page = render_template(
            "statistics_page.html",
            pieces=[(piece, cells_of(piece, asking.names)) for piece in pieces],
            **more,
            **self._frame.around(asking, name, PAGES[name].uses, kind=PAGES[name]),
        )
        return page, status

    def inhabitants(self) -> ResponseReturnValue:
        """Note how many people live in the town."""
        language = language_of_visitor()
        form = Form(request.form, lambda key, **values: self._texts.say(language, key, **values))
        day, people = form.day("on_day"), form.whole("people", 1, 9_999_999)
        if not form.errors and day > day_in_rome(self._clock()):
            form.wrong("on_day", "statistics.day_to_come")
        if form.errors:
            with self._frame.asking(PAGES["citizens"]) as asking:
                return self._page(asking, "citizens", form=form, status=HTTPStatus.BAD_REQUEST)
        with transaction(self._sessions) as db:
            set_inhabitants(db, day, people)
        flash("statistics.inhabitants_saved", "success")
        return redirect(url_for("console.statistics_citizens"), 303)

    def staffing(self) -> ResponseReturnValue:
        """How many operators are needed when, and where one more helps most."""
        with self._frame.asking() as asking:
            wish = _wish(asking.said)
            language = asking.language.value
            try:
                made = plan(asking.session, wish, now=asking.now)
            except (NothingRecorded, ValueError):
                made = None
            weekdays: dict[int, list[Any]] = {}
            for one in made.levels if made else ():
                weekdays.setdefault(one.slot.weekday, []).append(one)
            return render_template(
                "statistics_staffing.html",
                made=made,
                wish=wish,
                weekdays=weekdays,
                advice=sentence(made.advice, language) if made else None,
                patience=None if made is None or math.isinf(made.work.patience) else made.work.patience,
                chart=views.staffing_chart(asking, made) if made else "",
                table=Piece(plan_as_table(made)) if made else None,
                **self._frame.around(asking, "staffing", frozenset(), own=_own(asking.said)),
            )

    def years(self) -> ResponseReturnValue:
        """The years that there is something of."""
        with reading(self._sessions) as db:
            first = db.scalar(select(func.min(CallSums.day)))
        this = day_in_rome(self._clock()).year
        years = list(range(this, (first.year if first else this) - 1, -1))
        return render_template("statistics_year.html", years=years, this=this)

    def year_page(self, year: str) -> ResponseReturnValue:
        """The activity report as a page of its own."""
        from reports.year_document import as_html

        figures, people = self._year(year)
        return Response(as_html(figures, town=self._town(), people=people), mimetype="text/html")

    def year_file(self, year: str) -> ResponseReturnValue:
        """The activity report as a PDF."""
        # Type-setting is a second of imports.
        from reports.year_document import as_pdf as year_as_pdf

        figures, people = self._year(year)
        return _attachment(
            year_as_pdf(figures, town=self._town(), people=people),
            MEDIA_TYPES["pdf"],
            f"relazione-{year}.pdf",
        )

    def _town(self) -> str:
        return self._settings.town_name or self._texts.say(Language.ITALIAN, "page.owner")

    def _year(self, year: str) -> tuple[YearFigures, tuple[date, int] | None]:
        if not re.fullmatch(r"\d{4}", year, re.ASCII) or not _OLDEST_YEAR <= int(year) < 2100:
            abort(404)
        with reading(self._sessions) as db:
            try:
                figures = year_figures(db, int(year), now=self._clock())
            except YearToCome:
                abort(404)
            return figures, latest_inhabitants(db, figures.period.last)

    def definitions(self) -> ResponseReturnValue:
        """What every figure means."""
        return render_template("statistics_definitions.html", definitions=definitions())

    def file(self, page: str, table: str, form: str) -> ResponseReturnValue:
        """What a page shows, as a file."""
        if form not in _FORMS:
            abort(404)
        with self._frame.asking(PAGES.get(page)) as asking:
            found = {made.name: made for made in self._tables(asking, page)}
            if table not in found:
                abort(404)
            made, language = found[table], asking.language.value
            named = asking.names.named(made)
        data = _FORMS[form](named if form in ("xlsx", "pdf") else made, language)
        period = made.period
        return _attachment(data, MEDIA_TYPES[form], f"{page}-{table}-{period.first}-{period.last}.{form}")

    def _tables(self, asking: Asking, page: str) -> list[Table]:
        if page in PAGES:
            return [piece.table for piece in PAGES[page].make(asking)]
        if page == "overview":
            return [overview_page(asking).table]
        if page == "when":
            return [asking.table("heat"), asking.table("peaks"), views.busiest(asking)]
        if page == "list":
            return [list_for_file(asking)]
        if page == "staffing":
            try:
                return [plan_as_table(plan(asking.session, _wish(asking.said), now=asking.now))]
            except NothingRecorded:
                return []
        return []


_FORMS: Mapping[str, Callable[[Table, str], bytes]] = {
    "csv": lambda made, _: as_csv(made).encode(),
    "json": lambda made, _: as_json(made).encode(),
    "xlsx": as_xlsx,
    "pdf": as_pdf,
}


def _attachment(data: bytes, mimetype: str, name: str) -> Response:
    return Response(
        data, mimetype=mimetype, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _day_link(asking: Asking) -> Link:
    """The list of a day's calls."""

    def link(row: Row, column: str) -> str | None:
        day = row[0]
        if column != "offered" or not isinstance(day, date):
            return None
        return views.list_address(asking.question.but(period=Period(day, day)), "offered")

    return link


#: Fields of the form about staffing: from, to, without it.
_WISHES: Mapping[str, tuple[float, float, float]] = {
    "weeks": (1, 26, 4),
    "operators": (0, 500, -1),
    "within": (0, 600, 20),
    "target": (1, 99, 80),
    "shrinkage": (0, 95, 30),
}


def _wish(said: Mapping[str, str]) -> Wish:
    found = {}
    for name, (least, most, plain) in _WISHES.items():
        typed = said.get(name, "").strip().replace(",", ".")
        if typed and (
            not re.fullmatch(r"\d{1,4}(\.\d{1,2})?", typed, re.ASCII) or not least <= float(typed) <= most
        ):
            refuse(name, "not_a_number")
        found[name] = float(typed) if typed else plain
    return Wish(
        weeks=int(found["weeks"]),
        operators=found["operators"] if found["operators"] >= 0 else None,
        within=found["within"],
        target=found["target"] / 100,
        shrinkage=found["shrinkage"] / 100,
    )


def _own(said: Mapping[str, str]) -> Mapping[str, str]:
    return {name: said[name] for name in _WISHES if said.get(name)}
