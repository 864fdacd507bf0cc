"""What the console changes: who changed what of the town, texts of its own, who comes to an appointment.

Revision ID: 0020
Revises: 0019
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "town_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.Column("which", sa.String(length=120), nullable=False),
        sa.Column("before", _json(), nullable=True),
        sa.Column("after", _json(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_town_changes")),
    )
    op.create_index(op.f("ix_town_changes_at"), "town_changes", ["at"], unique=False)
    op.create_index(op.f("ix_town_changes_what_which"), "town_changes", ["what", "which"], unique=False)

    op.create_table(
        "prompt_texts",
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("language", "key", name=op.f("pk_prompt_texts")),
    )

    op.create_table(
        "message_texts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("written_by", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_texts")),
        sa.UniqueConstraint(
            "language", "name", "version", name=op.f("uq_message_texts_language_name_version")
        ),
    )

    op.add_column("bookings", sa.Column("name", sa.String(length=80), nullable=True))

    op.add_column("room_bookings", sa.Column("reason", sa.String(length=300), nullable=True))

    # A log-in is longer than an extension.
    with op.batch_alter_table("overrides", schema=None, table_args=_order()) as batch_op:
        batch_op.alter_column("set_by", existing_type=sa.String(length=8), type_=sa.String(length=40))
        batch_op.alter_column("cleared_by", existing_type=sa.String(length=8), type_=sa.String(length=40))


def downgrade() -> None:
    # What an operator set by hand would not fit.
    op.execute("UPDATE overrides SET set_by = substr(set_by, 1, 8), cleared_by = substr(cleared_by, 1, 8)")
    with op.batch_alter_table("overrides", schema=None, table_args=_order()) as batch_op:
        batch_op.alter_column("cleared_by", existing_type=sa.String(length=40), type_=sa.String(length=8))
        batch_op.alter_column("set_by", existing_type=sa.String(length=40), type_=sa.String(length=8))

    op.drop_column("room_bookings", "reason")
    op.drop_column("bookings", "name")
    op.drop_table("message_texts")
    op.drop_table("prompt_texts")
    op.drop_index(op.f("ix_town_changes_what_which"), table_name="town_changes")
    op.drop_index(op.f("ix_town_changes_at"), table_name="town_changes")
    op.drop_table("town_changes")


def _order() -> tuple[sa.CheckConstraint]:
    # SQLite makes the table anew, and its check is not read from the old one.
    return (sa.CheckConstraint("set_at < until", name=op.f("ck_overrides_order")),)


def _json() -> sa.JSON[Any]:
    return sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
