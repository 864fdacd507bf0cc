"""Whether the web part can do its work, for whoever watches over the system."""

from __future__ import annotations

from collections.abc import Callable

from flask.typing import ResponseReturnValue
from sqlalchemy import Engine

from desk.db import DatabaseGone, schema_is_current


def health_page(engine: Engine) -> Callable[[], ResponseReturnValue]:
    """The view of ``/health``: ``{"ok": bool, "parts": {"database": bool, "schema": bool}}``, 503 unless ok.

    ``database`` is whether it answers, ``schema`` whether its tables are those of this version. Open to all,
    so it says no more than that.
    """

    def health() -> ResponseReturnValue:
        try:
            parts = {"database": True, "schema": schema_is_current(engine)}
        except DatabaseGone:
            parts = {"database": False, "schema": False}
        ok = all(parts.values())
        return {"ok": ok, "parts": parts}, 200 if ok else 503

    return health
