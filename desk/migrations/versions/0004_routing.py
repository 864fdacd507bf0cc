"""The rules of the queue, and what the queue recorded; kinds of requests to come.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from desk.migrations.closed_sets import allow

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

OLD = ("certificate", "message", "report")
NEW = ("course", "room", "call_back", "lost_call")


def upgrade() -> None:
    op.create_table(
        "call_legs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("unique_id", sa.String(length=80), nullable=False),
        sa.Column("linked_id", sa.String(length=80), nullable=False),
        sa.Column("caller", sa.String(length=80), nullable=False),
        sa.Column("dialled", sa.String(length=80), nullable=False),
        sa.Column("channel", sa.String(length=80), nullable=False),
        sa.Column("other_channel", sa.String(length=80), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disposition", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_legs")),
        sa.UniqueConstraint("source", "position", name=op.f("uq_call_legs_source_position")),
    )
    op.create_index(op.f("ix_call_legs_linked_id"), "call_legs", ["linked_id"], unique=False)
    op.create_index(op.f("ix_call_legs_started_at"), "call_legs", ["started_at"], unique=False)
    op.create_index(op.f("ix_call_legs_unique_id"), "call_legs", ["unique_id"], unique=False)

    op.create_table(
        "desk_now",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "members",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.CheckConstraint("id = 1", name=op.f("ck_desk_now_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_now")),
    )
    op.create_table(
        "ingest_positions",
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_ingest_positions")),
    )
    op.create_table(
        "queue_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("call_unique_id", sa.String(length=80), nullable=False),
        sa.Column("queue", sa.String(length=40), nullable=False),
        sa.Column("agent", sa.String(length=80), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column(
            "data",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue_events")),
        sa.UniqueConstraint("source", "position", name=op.f("uq_queue_events_source_position")),
    )
    op.create_index(op.f("ix_queue_events_at"), "queue_events", ["at"], unique=False)
    op.create_index(op.f("ix_queue_events_call_unique_id"), "queue_events", ["call_unique_id"], unique=False)

    op.create_table(
        "queue_stays",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_unique_id", sa.String(length=80), nullable=False),
        sa.Column("caller_e164", sa.String(length=16), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum(
                "waiting",
                "answered",
                "abandoned",
                "unanswered",
                name="stay_outcome",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("extension", sa.String(length=8), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("transferred_to", sa.String(length=40), nullable=True),
        sa.Column("transferred_how", sa.String(length=12), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue_stays")),
        sa.UniqueConstraint("call_unique_id", name=op.f("uq_queue_stays_call_unique_id")),
    )
    op.create_index(
        op.f("ix_queue_stays_caller_e164_entered_at"),
        "queue_stays",
        ["caller_e164", "entered_at"],
        unique=False,
    )
    op.create_index(op.f("ix_queue_stays_extension"), "queue_stays", ["extension"], unique=False)
    op.create_index(
        op.f("ix_queue_stays_outcome_entered_at"), "queue_stays", ["outcome", "entered_at"], unique=False
    )

    op.create_table(
        "routing_rules",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("wrap_up_seconds", sa.Integer(), nullable=False),
        sa.Column("announce_seconds", sa.Integer(), nullable=False),
        sa.Column("call_back_after_seconds", sa.Integer(), nullable=False),
        sa.Column("longest_wait_seconds", sa.Integer(), nullable=False),
        sa.Column("same_operator_days", sa.Integer(), nullable=False),
        sa.Column("survey", sa.Boolean(), nullable=False),
        sa.Column("record_calls", sa.Boolean(), nullable=False),
        sa.Column("recordings_days", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_routing_rules_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routing_rules")),
    )
    allow("requests", "kind", "ck_requests_request_kind", (*OLD, *NEW))


def downgrade() -> None:
    # The version before has no way to keep these.
    kinds = ", ".join(repr(kind) for kind in NEW)
    of_them = f"(SELECT id FROM requests WHERE kind IN ({kinds}))"  # noqa: S608  our own words
    op.execute(f"UPDATE messages SET request_id = NULL WHERE request_id IN {of_them}")  # noqa: S608
    op.execute(f"DELETE FROM requests WHERE kind IN ({kinds})")  # noqa: S608
    allow("requests", "kind", "ck_requests_request_kind", OLD)
    op.drop_table("routing_rules")
    op.drop_table("queue_stays")
    op.drop_table("queue_events")
    op.drop_table("ingest_positions")
    op.drop_table("desk_now")
    op.drop_table("call_legs")
