"""Call-backs that keep their place in the queue.

Revision ID: 0008
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0006"
branch_labels = None
depends_on = None

OPEN = "state IN ('waiting', 'queued')"


def upgrade() -> None:
    op.create_table(
        "call_backs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("e164", sa.String(length=16), nullable=False),
        sa.Column("asked_by", sa.String(length=16), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "queued",
                "done",
                "failed",
                "cancelled",
                name="call_back_state",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_reached", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channel_id", sa.String(length=40), nullable=True),
        sa.Column(
            "last_result",
            sa.Enum(
                "served",
                "served_meanwhile",
                "busy",
                "no_answer",
                "no_key",
                "unreachable",
                "broken_off",
                "no_operator",
                name="call_back_result",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["requests.id"],
            name=op.f("fk_call_backs_request_id_requests"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_backs")),
        sa.UniqueConstraint("channel_id", name=op.f("uq_call_backs_channel_id")),
        sa.UniqueConstraint("request_id", name=op.f("uq_call_backs_request_id")),
    )
    op.create_index(op.f("ix_call_backs_asked_by_asked_at"), "call_backs", ["asked_by", "asked_at"])
    op.create_index(op.f("ix_call_backs_e164_asked_at"), "call_backs", ["e164", "asked_at"])
    op.create_index(op.f("ix_call_backs_state_next_try_at"), "call_backs", ["state", "next_try_at"])
    op.create_index(
        "uq_call_backs_open_e164",
        "call_backs",
        ["e164"],
        unique=True,
        sqlite_where=sa.text(OPEN),
        postgresql_where=sa.text(OPEN),
    )


def downgrade() -> None:
    op.drop_table("call_backs")
