"""The calls behind a number, one by one, and each of them step by step.

Managers see figures, not people: who called is shown only to those who may see it, only when they ask for it,
and each such look is noted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from flask import Blueprint, abort, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from console.routes import add_page
from console.statistics_frame import WHERE, StatisticsFrame, refuse, whole
from console.statistics_parts import Asking, Piece, cells_of, heading_of
from console.statistics_views import list_address
from desk.audit import AuditAction, note_look
from desk.db import Sessions, transaction
from desk.models import Citizen
from desk.permissions import Permission
from reports.call_list import CallPage, What, as_table, list_calls, story_of
from reports.figures import Table

#: Calls on a page of the list, and in a file of it.
CALLS_A_PAGE, CALLS_A_FILE = 50, 10_000
_LIST = WHERE | {"operator", "tier", "limits", "hour", "half", "weekday"}


class StatisticsList:
    """The list of calls, and one call."""

    def __init__(self, sessions: Sessions, frame: StatisticsFrame, *, clock: Callable[[], datetime]) -> None:
        self._sessions = sessions
        self._frame = frame
        self._clock = clock

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the pages."""
        see = Permission.SEE_STATISTICS
        add_page(blueprint, "/statistics/list", "statistics_list", self.calls, see)
        add_page(blueprint, "/statistics/list/<call>", "statistics_call", self.call, see)

    def calls(self) -> ResponseReturnValue:
        """The calls behind a number; who called only where that is asked for, and noted."""
        what = what_of_address()
        may_see = g.operator.may(Permission.SEE_CALLERS)
        with_callers = may_see and request.args.get("callers") == "1"
        with self._frame.asking() as asking:
            number = whole("page", 1, 100_000)
            first = (number - 1) * CALLS_A_PAGE
            found = list_calls(asking.session, asking.question, what, first=first, most=CALLS_A_PAGE)
            citizens = self._citizens(asking, found) if with_callers else {}
            table = Piece(as_table(found, asking.question))
            frame = self._frame.around(asking, "list", _LIST, own={"what": what.value})
            if with_callers:
                self._note_look(AuditAction.LISTED, f"calls {len(found.rows)}")

            def at_page(wanted: int, *, callers: bool = with_callers) -> str:
                more = {"page": wanted} if wanted > 1 else {}
                return list_address(
                    asking.question, what.value, **more, **({"callers": 1} if callers else {})
                )

            last = first + len(found.rows)
            return render_template(
                "statistics_list.html",
                what=what,
                heading=heading_of(what.value, asking.language),
                found=found,
                rows=list(zip(found.rows, cells_of(table, asking.names), strict=True)),
                table=table,
                citizens=citizens,
                with_callers=with_callers,
                may_see=may_see,
                callers_address=at_page(number, callers=not with_callers),
                first=first + 1,
                last=last,
                begin=at_page(1) if number > 2 else None,
                previous=at_page(number - 1) if number > 1 else None,
                next=at_page(number + 1) if last < found.total else None,
                **frame,
            )

    def call(self, call: str) -> ResponseReturnValue:
        """One call, step by step."""
        may_see = g.operator.may(Permission.SEE_CALLERS)
        with_callers = may_see and request.args.get("callers") == "1"
        with self._frame.asking() as asking:
            story = story_of(asking.session, call)
            if story is None:
                abort(404)
            citizens = self._citizens(asking, CallPage([story.row], 1)) if with_callers else {}
            table = Piece(as_table(CallPage([story.row], 1), asking.question))
            ((cells, _),) = cells_of(table, asking.names)
            if with_callers:
                self._note_look(AuditAction.VIEWED, f"call {call}", story.row.citizen_id)
            return render_template(
                "statistics_call.html",
                story=story,
                facts=[
                    (heading_of(column.name, asking.language).text, cell.text)
                    for column, cell in zip(table.table.columns, cells, strict=True)
                ],
                citizens=citizens,
                with_callers=with_callers,
                may_see=may_see,
                callers_address=url_for(
                    "console.statistics_call", call=call, callers=None if with_callers else 1
                ),
                names=asking.names,
            )

    def _citizens(self, asking: Asking, found: CallPage) -> Mapping[int, str]:
        numbers = {row.citizen_id for row in found.rows if row.citizen_id is not None}
        return {
            citizen.id: f"{citizen.first_name} {citizen.last_name}"
            for citizen in asking.session.scalars(select(Citizen).where(Citizen.id.in_(numbers)))
        }

    def _note_look(self, action: AuditAction, detail: str, citizen_id: int | None = None) -> None:
        by = g.operator.login
        with transaction(self._sessions) as db:
            note_look(db, by=by, action=action, now=self._clock(), citizen_id=citizen_id, detail=detail)


def what_of_address() -> What:
    """The figure whose calls are wanted; anything else is refused."""
    said = request.args.get("what", What.CALLS.value)
    what = next((what for what in What if what.value == said), None)
    if what is None:
        refuse("what", "unknown")
    return what


def list_for_file(asking: Asking) -> Table:
    """The list as a table for a file: as many calls as anybody reads."""
    found = list_calls(asking.session, asking.question, what_of_address(), first=0, most=CALLS_A_FILE)
    return as_table(found, asking.question)
