"""How Alembic runs our migrations: on the connection of :func:`desk.db.migrate`, or on the settings' URL.

A new revision: ``alembic -c desk/migrations/alembic.ini revision --autogenerate -m "..."``.
"""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, Enum

from desk.db import connect
from desk.models import Base
from desk.models.base import UtcDateTime
from desk.models.details import DetailsJson
from desk.settings import Settings


def _render(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    # A migration must not change when the models do, so it names only SQLAlchemy's own types.
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, DetailsJson):
        return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    if kind == "type" and isinstance(item, Enum):
        values = ", ".join(repr(value) for value in item.enums)
        return (
            f"sa.Enum({values}, name={item.name!r}, native_enum=False, create_constraint=True, "
            f"length={item.length})"
        )
    return False


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_item=_render,
        # SQLite cannot alter constraints in place; it can roll back DDL, as our transactions really begin.
        render_as_batch=connection.dialect.name == "sqlite",
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


_given: Connection | None = context.config.attributes.get("connection")
if _given is not None:
    _run(_given)
else:
    _engine = connect(Settings().url)
    with _engine.begin() as _connection:
        _run(_connection)
    _engine.dispose()
