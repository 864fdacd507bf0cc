"""How a page is registered: with the permission that it takes. One without is refused to everybody."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import Blueprint, Flask
from flask.sansio.app import App
from flask.typing import ResponseReturnValue

from desk.models import Role
from desk.permissions import Permission, may

_KEPT = "console.permissions"


def add_page(
    blueprint: Blueprint,
    path: str,
    name: str,
    view: Callable[..., ResponseReturnValue],
    permission: Permission,
    *,
    methods: Sequence[str] = ("GET",),
) -> None:
    """Register ``view`` as ``/console<path>``, endpoint ``console.<name>``, for who has ``permission``."""
    blueprint.add_url_rule(path, name, view, methods=list(methods))
    blueprint.record(lambda state: declare(state.app, f"{state.name}.{name}", permission))


def declare(app: App, endpoint: str, permission: Permission) -> None:
    """Note what the endpoint takes; for the few that are not pages of the console."""
    app.extensions.setdefault(_KEPT, {})[endpoint] = permission


def permission_of(app: Flask, endpoint: str) -> Permission | None:
    """What the endpoint takes; None for one that was registered without."""
    permission: Permission | None = app.extensions.get(_KEPT, {}).get(endpoint)
    return permission


def may_open(app: Flask, role: Role, endpoint: str) -> bool:
    """Whether somebody of that role may open the endpoint."""
    permission = permission_of(app, endpoint)
    return permission is not None and may(role, permission)
