"""Figures that leave the console: screens on a wall, reports by mail. Time on hold.

Revision ID: 0026
Revises: 0024
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0024"
branch_labels = None
depends_on = None

_STATES = (
    "created",
    "sending",
    "sent",
    "delivered",
    "undelivered",
    "failed",
    "unknown",
    "no_receipt",
    "no_consent",
    "stopped",
    "voice_notice",
    "calling",
    "heard",
    "trial",
)


def upgrade() -> None:
    op.create_table(
        "wall_screens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("code_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("made_by", sa.String(length=40), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wall_screens")),
        sa.UniqueConstraint("digest", name=op.f("uq_wall_screens_digest")),
    )
    op.create_table(
        "scheduled_reports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("operator_id", sa.Integer(), nullable=False),
        sa.Column("to_address", sa.String(length=254), nullable=False),
        sa.Column("every", _closed("every", "day", "week", "month"), nullable=False),
        sa.Column("tables", _json(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("form", _closed("report_form", "pdf", "xlsx"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=40), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operators.id"], name=op.f("fk_scheduled_reports_operator_id_operators")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scheduled_reports")),
    )
    op.create_index(op.f("ix_scheduled_reports_operator_id"), "scheduled_reports", ["operator_id"])
    op.create_table(
        "report_mails",
        sa.Column("scheduled_report_id", sa.Integer(), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("state", _closed("message_state", *_STATES), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(
            ["scheduled_report_id"],
            ["scheduled_reports.id"],
            name=op.f("fk_report_mails_scheduled_report_id_scheduled_reports"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_mails")),
        sa.UniqueConstraint(
            "scheduled_report_id",
            "first",
            "last",
            name=op.f("uq_report_mails_scheduled_report_id_first_last"),
        ),
    )
    op.create_index(op.f("ix_report_mails_state_not_before"), "report_mails", ["state", "not_before"])
    op.create_table(
        "phone_holds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("extension", sa.String(length=8), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_holds")),
    )
    op.create_index(op.f("ix_phone_holds_began_at"), "phone_holds", ["began_at"])
    op.create_index(op.f("ix_phone_holds_extension_began_at"), "phone_holds", ["extension", "began_at"])
    op.add_column("talk_sums", sa.Column("held_seconds", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("talk_sums", "held_seconds")
    op.drop_table("phone_holds")
    op.drop_table("report_mails")
    op.drop_table("scheduled_reports")
    op.drop_table("wall_screens")


def _closed(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=24)


def _json() -> sa.JSON[Any]:
    return sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
