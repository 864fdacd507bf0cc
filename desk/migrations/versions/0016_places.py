"""Who works at which phone's place, and who is on which call.

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_OPEN = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "place_stays",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("operator_id", sa.Integer(), nullable=False),
        sa.Column("extension", sa.String(length=8), nullable=False),
        sa.Column("device", _closed("device", "web", "desk"), nullable=False),
        sa.Column("tier", _closed("tier", "back_office", "counter", "office"), nullable=True),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end", _closed("stay_end", "left", "moved", "silent", "taken_over"), nullable=True),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operators.id"], name=op.f("fk_place_stays_operator_id_operators")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place_stays")),
    )
    op.create_index(op.f("ix_place_stays_operator_id"), "place_stays", ["operator_id"], unique=False)
    op.create_index(op.f("ix_place_stays_began_at"), "place_stays", ["began_at"], unique=False)
    for name, column in (
        ("uq_place_stays_open_extension", "extension"),
        ("uq_place_stays_open_operator", "operator_id"),
    ):
        op.create_index(
            name, "place_stays", [column], unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN
        )
    op.create_table(
        "duty_periods",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stay_id", sa.Integer(), nullable=False),
        sa.Column(
            "reason",
            _closed(
                "pause_reason",
                "break",
                "paperwork",
                "meeting",
                "training",
                "wrap_up",
                "other",
                "phone",
                "no_answer",
            ),
            nullable=True,
        ),
        sa.Column("note", sa.String(length=80), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_start", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["stay_id"],
            ["place_stays.id"],
            name=op.f("fk_duty_periods_stay_id_place_stays"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_periods")),
    )
    op.create_index(op.f("ix_duty_periods_stay_id"), "duty_periods", ["stay_id"], unique=False)
    op.create_index(
        "uq_duty_periods_open",
        "duty_periods",
        ["stay_id"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    with op.batch_alter_table("hand_overs") as hand_overs:
        hand_overs.add_column(sa.Column("citizen_id", sa.Integer(), nullable=True))
        hand_overs.create_foreign_key(
            op.f("fk_hand_overs_citizen_id_citizens"), "citizens", ["citizen_id"], ["id"], ondelete="SET NULL"
        )
        hand_overs.create_index(op.f("ix_hand_overs_citizen_id"), ["citizen_id"], unique=False)
    json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    with op.batch_alter_table("desk_now") as desk_now:
        desk_now.add_column(sa.Column("offices", json, nullable=False, server_default="{}"))
        desk_now.add_column(sa.Column("on_calls", json, nullable=False, server_default="[]"))


def downgrade() -> None:
    with op.batch_alter_table("desk_now") as desk_now:
        desk_now.drop_column("on_calls")
        desk_now.drop_column("offices")
    with op.batch_alter_table("hand_overs") as hand_overs:
        hand_overs.drop_index(op.f("ix_hand_overs_citizen_id"))
        hand_overs.drop_constraint(op.f("fk_hand_overs_citizen_id_citizens"), type_="foreignkey")
        hand_overs.drop_column("citizen_id")
    op.drop_table("duty_periods")
    op.drop_table("place_stays")


def _closed(name: str, *members: str) -> sa.Enum:
    return sa.Enum(*members, name=name, native_enum=False, create_constraint=True, length=24)
