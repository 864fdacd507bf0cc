"""What all pages of figures share: the question of the address, its filters, the refusal of a bad one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from flask import abort, g, make_response, render_template, request
from sqlalchemy import select

from console.language import language_of_visitor
from console.statistics_parts import Asking, Names, Piece, heading_of
from console.texts import Texts
from desk.db import Sessions, reading
from desk.models import Channel, DirectLine, RequestKind, Tier
from desk.permissions import Permission
from desk.settings import Settings
from reports.calls import DESK, Level, Limits
from reports.definitions import Unit
from reports.periods import day_in_rome
from reports.questions import DESK_IN_ADDRESS, NARROWING, BadQuestion, Compare, Question, Span

#: Filters of calls that sums can tell apart.
WHERE = frozenset({"line", "office", "language"})
#: Arguments that belong to one page only: a link to another page leaves them out.
_OWN = frozenset({"by", "view", "hour", "half", "weekday"})


@dataclass(frozen=True, slots=True)
class PageKind:
    """A page of tables: what makes them, and which filters it knows."""

    path: str
    make: Callable[[Asking], list[Piece]]
    uses: frozenset[str] = frozenset()
    by: Sequence[str] = ()
    views: Sequence[str] = ()


class StatisticsFrame:
    """Opens questions, and gives templates what every page of figures shows around its own."""

    def __init__(
        self, sessions: Sessions, texts: Texts, settings: Settings, *, clock: Callable[[], datetime]
    ) -> None:
        self._sessions = sessions
        self._texts = texts
        self._settings = settings
        self._clock = clock

    @contextmanager
    def asking(self, kind: PageKind | None = None) -> Iterator[Asking]:
        """The question of the address, with a session to answer it. A bad one is refused, status 400."""
        language, now = language_of_visitor(), self._clock()
        try:
            question = Question.read(
                request.args,
                today=day_in_rome(now),
                by=kind.by if kind else (),
                views=kind.views if kind else (),
            )
        except BadQuestion as bad:
            refuse(bad.name, bad.reason)
        with reading(self._sessions) as session:
            yield Asking(
                session=session,
                question=question,
                said=request.args,
                now=now,
                language=language,
                names=Names.read(session, self._texts, language),
                say=lambda key, **values: self._texts.say(language, key, **values),
            )

    def around(
        self,
        asking: Asking,
        page: str,
        uses: frozenset[str],
        *,
        kind: PageKind | None = None,
        own: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """What the frame of a page shows: its filters, what they say, and where its files are.

        Args:
            asking: the question.
            page: the page's name, as files of it are called.
            uses: the filters that it knows.
            kind: of a page of tables.
            own: arguments of its address that are no filters.
        """
        question, names = asking.question, asking.names
        address = question.address()
        kept = {name: value for name, value in address.items() if name not in _OWN}
        if kind is None:
            address = {name: value for name, value in address.items() if name not in ("by", "view")}
        numbers = asking.session.scalars(select(DirectLine.e164).order_by(DirectLine.e164))
        lines = dict.fromkeys((self._settings.town_number, *numbers))
        return {
            "page_name": page,
            "question": question,
            "uses": uses,
            "limits_plain": question.limits == Limits(),
            "unused": [
                self._texts.label(asking.language, "stat_filter", name)
                for name in NARROWING
                if name in question.said - uses
            ],
            "address": {**address, **(own or {})},
            "own": own or {},
            "kept": kept,
            "choices": {
                "span": list(Span),
                "compare": list(Compare),
                "level": list(Level),
                "tier": list(Tier),
                "channel": list(Channel),
                "kind": list(RequestKind),
            },
            "bys": kind.by if kind else (),
            "views": kind.views if kind else (),
            "lines": [(line, names.of("line", line)) for line in lines],
            "offices": [
                (DESK_IN_ADDRESS, asking.say("statistics.desk")),
                *((office, names.of("office", office)) for office in sorted(set(names.lines.values()))),
            ],
            "phones": [(phone, names.of("operator", phone)) for phone in sorted(names.phones)],
            "office_said": DESK_IN_ADDRESS if question.office == DESK else question.office,
            "names": names,
            "heading_of": lambda figure: heading_of(figure, asking.language),
            "words": lambda unit, value: asking.words(Unit(unit), value),
            "may_export": g.operator.may(Permission.EXPORT_STATISTICS),
        }


def refuse(name: str, reason: str) -> NoReturn:
    """Answer with a page that names the argument of the address that makes no sense."""
    page = render_template("statistics_refused.html", name=name, reason=reason)
    abort(make_response(page, 400))


def whole(name: str, least: int, most: int) -> int:
    """A whole number of the address; ``least`` without it. Anything else is refused."""
    said = request.args.get(name, "").strip() or str(least)
    if not re.fullmatch(r"\d{1,6}", said, re.ASCII) or not least <= int(said) <= most:
        refuse(name, "not_a_number")
    return int(said)
