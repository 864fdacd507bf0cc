"""Around a talk with a person: hand-over, direct lines of offices, lost calls, a question, recordings.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from desk.migrations.closed_sets import allow

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

DESK = ("back_office", "counter")


def upgrade() -> None:
    op.create_table(
        "hand_overs",
        sa.Column("call_unique_id", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("summary", sa.String(length=30), nullable=False),
        sa.Column("identified", sa.Boolean(), nullable=False),
        sa.Column(
            "answers",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.Column("draft_key", sa.String(length=36), nullable=True),
        sa.Column("office", sa.String(length=40), nullable=True),
        sa.Column(
            "recordings",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("call_unique_id", name=op.f("pk_hand_overs")),
    )
    op.create_table(
        "direct_lines",
        sa.Column("e164", sa.String(length=16), nullable=False),
        sa.Column("office", sa.String(length=40), nullable=False),
        sa.Column("fallback", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("e164", name=op.f("pk_direct_lines")),
    )
    op.create_table(
        "direct_line_phones",
        sa.Column("e164", sa.String(length=16), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("extension", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(
            ["e164"],
            ["direct_lines.e164"],
            name=op.f("fk_direct_line_phones_e164_direct_lines"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["extension"], ["phones.extension"], name=op.f("fk_direct_line_phones_extension_phones")
        ),
        sa.PrimaryKeyConstraint("e164", "position", name=op.f("pk_direct_line_phones")),
    )
    op.create_table(
        "lost_calls",
        sa.Column("call_unique_id", sa.String(length=80), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=True),
        sa.Column("lost_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["requests.id"],
            name=op.f("fk_lost_calls_request_id_requests"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("call_unique_id", name=op.f("pk_lost_calls")),
    )
    op.create_index(op.f("ix_lost_calls_lost_at"), "lost_calls", ["lost_at"], unique=False)
    op.create_index(op.f("ix_lost_calls_request_id"), "lost_calls", ["request_id"], unique=False)
    op.create_table(
        "open_lost_calls",
        sa.Column("e164", sa.String(length=16), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["requests.id"],
            name=op.f("fk_open_lost_calls_request_id_requests"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("e164", name=op.f("pk_open_lost_calls")),
        sa.UniqueConstraint("request_id", name=op.f("uq_open_lost_calls_request_id")),
    )
    op.create_table(
        "survey_answers",
        sa.Column("call_unique_id", sa.String(length=80), nullable=False),
        sa.Column("extension", sa.String(length=8), nullable=True),
        sa.Column("solved", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("call_unique_id", name=op.f("pk_survey_answers")),
    )
    op.create_index(op.f("ix_survey_answers_extension"), "survey_answers", ["extension"], unique=False)
    op.create_table(
        "call_recordings",
        sa.Column("call_unique_id", sa.String(length=80), nullable=False),
        sa.Column("file", sa.String(length=100), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("call_unique_id", name=op.f("pk_call_recordings")),
    )
    op.create_index(op.f("ix_call_recordings_until"), "call_recordings", ["until"], unique=False)
    op.create_table(
        "recording_accesses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_unique_id", sa.String(length=80), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording_accesses")),
    )
    op.create_index(
        op.f("ix_recording_accesses_call_unique_id"), "recording_accesses", ["call_unique_id"], unique=False
    )
    op.add_column(
        "routing_rules",
        sa.Column("short_abandon_seconds", sa.Integer(), server_default="5", nullable=False),
    )
    allow("phones", "tier", "ck_phones_tier", (*DESK, "office"))


def downgrade() -> None:
    op.drop_table("direct_line_phones")
    # The version before rings every phone for the desk: an office's own is none of them.
    op.execute("DELETE FROM phones WHERE tier = 'office'")
    allow("phones", "tier", "ck_phones_tier", DESK)
    op.drop_column("routing_rules", "short_abandon_seconds")
    op.drop_table("recording_accesses")
    op.drop_table("call_recordings")
    op.drop_table("survey_answers")
    op.drop_table("open_lost_calls")
    op.drop_table("lost_calls")
    op.drop_table("direct_lines")
    op.drop_table("hand_overs")
