"""The page of changes: who changed what of the town, and how it was before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from console.changing import ChangingPages
from console.routes import add_page
from desk.db import reading
from desk.permissions import Permission
from desk.town_changes import changes

_PAGE = 50
#: The largest id PostgreSQL keeps.
_LARGEST_ID = 2**31 - 1


class ChangePages(ChangingPages):
    """The page of changes."""

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the page."""
        add_page(blueprint, "/changes", "changes", self.changes, Permission.SEE_AUDIT)

    def changes(self) -> ResponseReturnValue:
        """The newest first."""
        before = request.args.get("before", type=int)
        before = before if before is not None and 0 < before <= _LARGEST_ID else None
        with reading(self._sessions) as db:
            rows = changes(db, limit=_PAGE + 1, before=before)
        return render_template(
            "changes.html",
            rows=[(row, _written(row.before), _written(row.after)) for row in rows[:_PAGE]],
            first=before is not None,
            older=rows[_PAGE - 1].id if len(rows) > _PAGE else None,
        )


def _written(values: Mapping[str, Any] | None) -> list[str]:
    return [f"{name}: {value}" for name, value in (values or {}).items()]
