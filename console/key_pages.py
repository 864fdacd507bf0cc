"""The keys with which other systems use the web channel: made, listed, revoked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from console.routes import add_page
from desk.api_keys import PER_MINUTE, BadKey, api_keys, create_api_key, revoke_api_key
from desk.audit import AuditAction, note_look
from desk.db import Sessions, reading, transaction
from desk.models import Scope
from desk.permissions import Permission

_LONGEST_NAME = 80
_FASTEST = 100_000


class KeyPages:
    """The pages about keys, for administrators."""

    def __init__(self, sessions: Sessions, *, clock: Callable[[], datetime]) -> None:
        self._sessions = sessions
        self._clock = clock

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the pages."""
        for path, name, view, method in (
            ("", "api_keys", self.keys, "GET"),
            ("", "make_api_key", self.make, "POST"),
            ("/<prefix>/revoke", "revoke_api_key", self.revoke, "POST"),
        ):
            add_page(blueprint, f"/api-keys{path}", name, view, Permission.MANAGE_API_KEYS, methods=[method])

    def keys(self) -> ResponseReturnValue:
        """All keys, and the form for a new one."""
        return self._page()

    def make(self) -> ResponseReturnValue:
        """Make a key: it is shown this once."""
        name = " ".join(request.form.get("name", "").split())
        scopes = request.form.getlist("scope")
        if set(scopes) - set(Scope):
            abort(400)
        per_minute = request.form.get("per_minute", type=int)
        problems = {}
        if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
            problems["name"] = "keys.name_rule"
        if not scopes:
            problems["scope"] = "keys.scope_rule"
        if per_minute is None or not 1 <= per_minute <= _FASTEST:
            problems["per_minute"] = "keys.per_minute_rule"
        if problems or per_minute is None:
            return self._page(name=name, scopes=scopes, problems=problems), 400
        now = self._clock()
        with transaction(self._sessions) as db:
            key = create_api_key(
                db, name=name, scopes=[Scope(scope) for scope in scopes], per_minute=per_minute, now=now
            )
            # Not its name, which the town may give as it likes: the part by which a key is found.
            note_look(db, by=g.operator.login, action=AuditAction.KEY_MADE, now=now, detail=key.split("_")[1])
        return self._page(made=key)

    def revoke(self, prefix: str) -> ResponseReturnValue:
        """End a key at once."""
        now = self._clock()
        try:
            with transaction(self._sessions) as db:
                revoke_api_key(db, prefix, now=now)
                note_look(db, by=g.operator.login, action=AuditAction.KEY_REVOKED, now=now, detail=prefix)
        except BadKey:
            abort(404)
        flash("keys.is_revoked", "success")
        return redirect(url_for("console.api_keys"), 303)

    def _page(
        self,
        *,
        made: str | None = None,
        name: str = "",
        scopes: list[str] | None = None,
        problems: Mapping[str, str] | None = None,
    ) -> str:
        with reading(self._sessions) as db:
            return render_template(
                "api_keys.html",
                keys=api_keys(db)[::-1],
                made=made,
                name=name,
                chosen=scopes or [],
                problems=problems or {},
                all_scopes=list(Scope),
                per_minute=PER_MINUTE,
                fastest=_FASTEST,
                longest_name=_LONGEST_NAME,
            )
