"""What is kept about a citizen, for administrators: found by tax code, taken out, erased.

The tax code travels in forms only: an address ends in histories and logs.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus

from flask import Blueprint, Response, abort, g, render_template, request
from flask.typing import ResponseReturnValue

from console.routes import add_page
from desk.audit import AuditAction, note_look
from desk.citizen_export import export_citizen
from desk.db import Sessions, transaction
from desk.erasure import StillNeeded, erase_citizen
from desk.models import Citizen
from desk.permissions import Permission
from desk.person import Person, person_by_tax_code, person_of, whom
from desk.pseudonyms import pseudonyms_of
from desk.settings import Settings

#: A tax code has 16 characters; people type spaces between them.
LONGEST_TAX_CODE = 32


class CitizenDataPages:
    """The pages about one person's data."""

    def __init__(self, sessions: Sessions, settings: Settings, *, clock: Callable[[], datetime]) -> None:
        self._sessions = sessions
        self._settings = settings
        self._clock = clock

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the pages."""
        for path, name, view, method in (
            ("/citizens/data", "citizen_data", self.form, "GET"),
            ("/citizens/data", "find_citizen_data", self.find, "POST"),
            ("/citizens/export", "export_citizen", self.export, "POST"),
            ("/citizens/erase", "erase_citizen", self.erase, "POST"),
        ):
            add_page(blueprint, path, name, view, Permission.EXPORT_AND_ERASE_CITIZENS, methods=[method])

    def form(self) -> ResponseReturnValue:
        """The search."""
        return self._page()

    def find(self) -> ResponseReturnValue:
        """Who has the tax code that was typed, in the register or not, and how much is kept."""
        by = g.operator.login
        with transaction(self._sessions) as db:
            who = person_by_tax_code(db, self._typed())
            note_look(
                db,
                by=by,
                action=AuditAction.SEARCHED,
                now=self._clock(),
                detail="" if who else "not found",
                **whom(who, pseudonyms_of(self._settings)),
            )
            person = person_of(db, who) if who else None
        if person is None:
            return self._page(problem="citizens.not_found"), HTTPStatus.NOT_FOUND
        return self._page(person=person)

    def export(self) -> ResponseReturnValue:
        """The export as a file. Its name says nothing about the person."""
        by = g.operator.login
        with transaction(self._sessions) as db:
            who = person_by_tax_code(db, self._typed())
            if who is None:
                abort(404)
            data = export_citizen(
                db,
                who,
                self._settings,
                pseudonyms_of(self._settings),
                by=by,
                how="page",
                now=self._clock(),
            )
            number = who.id if isinstance(who, Citizen) else "outside"
        return Response(
            data,
            mimetype="application/json",
            headers={"Content-Disposition": f'attachment; filename="citizen-{number}.json"'},
        )

    def erase(self) -> ResponseReturnValue:
        """Erase, once the tax code was typed a second time."""
        by = g.operator.login
        again = "".join(request.form.get("again", "").split()).upper()
        with transaction(self._sessions) as db:
            who = person_by_tax_code(db, self._typed())
            if who is None:
                abort(404)
            if again != who.tax_code:
                person = person_of(db, who)
                return self._page(person=person, problem="citizens.not_the_same"), HTTPStatus.BAD_REQUEST
            try:
                erased = erase_citizen(
                    db,
                    who,
                    self._settings,
                    pseudonyms_of(self._settings),
                    by=by,
                    how="page",
                    now=self._clock(),
                )
            except StillNeeded as e:
                person = person_of(db, who)
                return self._page(person=person, needed=e.references), HTTPStatus.CONFLICT
        return render_template("citizen_erased.html", erased=erased)

    def _page(
        self, *, person: Person | None = None, problem: str | None = None, needed: tuple[str, ...] = ()
    ) -> str:
        return render_template(
            "citizen_data.html",
            person=person,
            problem=problem,
            needed=needed,
            longest_tax_code=LONGEST_TAX_CODE,
        )

    def _typed(self) -> str:
        return request.form.get("tax_code", "")[:LONGEST_TAX_CODE]
