"""Changing the values that a column's CHECK constraint allows."""

from __future__ import annotations

from alembic import op
from sqlalchemy import text


def allow(table: str, column: str, constraint: str, values: tuple[str, ...]) -> None:
    """Let ``column`` take exactly ``values`` from here on.

    SQLite cannot alter a constraint, and copying a table that others refer to would take their rows along
    (ON DELETE CASCADE). Its manual's way is to change the stored text of the table: no row is touched.
    """
    wanted = f"{column} IN ({', '.join(repr(value) for value in values)})"
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        op.drop_constraint(op.f(constraint), table, type_="check")
        op.create_check_constraint(op.f(constraint), table, wanted)
        return
    begin = f"CONSTRAINT {constraint} CHECK ("
    old: str = connection.execute(
        text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :table"), {"table": table}
    ).scalar_one()
    before, _, rest = old.partition(begin)
    assert rest, f"{table} has no constraint {constraint}"
    # The condition is a list of words in quotes: its first "))" ends list and CHECK.
    after = rest.partition("))")[2]
    version: int = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.execute(
        text("UPDATE sqlite_master SET sql = :sql WHERE type = 'table' AND name = :table"),
        {"sql": f"{before}{begin}{wanted}){after}", "table": table},
    )
    # Every open connection has to read the schema again.
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")
