"""The sums of the managers' figures, visits at the counter, inhabitants, and who came to an appointment.

Revision ID: 0017
Revises: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "call_sums",
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("closed", sa.Integer(), nullable=False),
        sa.Column("dialogs", sa.Integer(), nullable=False),
        sa.Column("self_served", sa.Integer(), nullable=False),
        sa.Column("hung_up", sa.Integer(), nullable=False),
        sa.Column("offered", sa.Integer(), nullable=False),
        sa.Column("by_back_office", sa.Integer(), nullable=False),
        sa.Column("by_counter", sa.Integer(), nullable=False),
        sa.Column("by_office", sa.Integer(), nullable=False),
        sa.Column("abandoned", sa.Integer(), nullable=False),
        sa.Column("unanswered", sa.Integer(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("overflowed", sa.Integer(), nullable=False),
        sa.Column("call_backs", sa.Integer(), nullable=False),
        sa.Column("waited_answered", sa.Integer(), nullable=False),
        sa.Column("waited_abandoned", sa.Integer(), nullable=False),
        sa.Column("line", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("half", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "begins_at", "line", "language", name=op.f("pk_call_sums")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "edge_sums",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("origin", sa.String(length=80), nullable=False),
        sa.Column("target", sa.String(length=80), nullable=False),
        sa.Column("passages", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "origin", "target", name=op.f("pk_edge_sums")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "figures_of_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("open_calls", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_figures_of_days")),
    )
    op.create_index(op.f("ix_figures_of_days_open_calls"), "figures_of_days", ["open_calls"], unique=False)

    op.create_table(
        "figures_reached",
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("reached", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_figures_reached")),
    )
    op.create_table(
        "flow_categories",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name_it", sa.String(length=120), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_flow_categories")),
    )
    op.create_table(
        "inhabitants",
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.CheckConstraint("people > 0", name=op.f("ck_inhabitants_people")),
        sa.PrimaryKeyConstraint("on_day", name=op.f("pk_inhabitants")),
    )
    op.create_table(
        "node_sums",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("node", sa.String(length=80), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("entered", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.Integer(), nullable=False),
        sa.Column("silences", sa.Integer(), nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("gave_up", sa.Integer(), nullable=False),
        sa.Column("asked_for_person", sa.Integer(), nullable=False),
        sa.Column("milliseconds", sa.BigInteger(), nullable=False),
        sa.Column("timed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "node", "language", name=op.f("pk_node_sums")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "repeat_sums",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("line", sa.String(length=40), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("repeated", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "line", name=op.f("pk_repeat_sums")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "talk_sums",
        sa.Column("extension", sa.String(length=8), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("talks", sa.Integer(), nullable=False),
        sa.Column("talk_seconds", sa.Integer(), nullable=False),
        sa.Column("blind", sa.Integer(), nullable=False),
        sa.Column("attended", sa.Integer(), nullable=False),
        sa.Column("not_answered", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("half", sa.Integer(), nullable=False),
        sa.Column("line", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.PrimaryKeyConstraint(
            "day", "begins_at", "line", "language", "extension", name=op.f("pk_talk_sums")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "wait_sums",
        sa.Column("outcome", sa.String(length=24), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("line", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("half", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "day", "begins_at", "line", "language", "outcome", "seconds", name=op.f("pk_wait_sums")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "counter_services",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name_it", sa.String(length=120), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.Column("category_code", sa.String(length=40), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["category_code"],
            ["flow_categories.code"],
            name=op.f("fk_counter_services_category_code_flow_categories"),
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_counter_services")),
    )
    op.create_table(
        "counter_visits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("service_code", sa.String(length=40), nullable=False),
        sa.Column("category_code", sa.String(length=40), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("idempotency_key", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["category_code"],
            ["flow_categories.code"],
            name=op.f("fk_counter_visits_category_code_flow_categories"),
        ),
        sa.ForeignKeyConstraint(
            ["service_code"],
            ["counter_services.code"],
            name=op.f("fk_counter_visits_service_code_counter_services"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_counter_visits")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_counter_visits_idempotency_key")),
    )
    op.create_index(op.f("ix_counter_visits_at"), "counter_visits", ["at"], unique=False)

    pauses = sa.text("event IN ('PAUSE', 'UNPAUSE')")
    op.create_index(
        "ix_queue_events_pauses", "queue_events", ["at"], sqlite_where=pauses, postgresql_where=pauses
    )

    op.add_column("bookings", sa.Column("came", sa.Boolean(), nullable=True))

    op.create_index(op.f("ix_queue_stays_entered_at"), "queue_stays", ["entered_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_queue_stays_entered_at"), table_name="queue_stays")

    op.drop_column("bookings", "came")

    op.drop_index("ix_queue_events_pauses", table_name="queue_events")

    op.drop_index(op.f("ix_counter_visits_at"), table_name="counter_visits")

    op.drop_table("counter_visits")
    op.drop_table("counter_services")
    op.drop_table("wait_sums")
    op.drop_table("talk_sums")
    op.drop_table("repeat_sums")
    op.drop_table("node_sums")
    op.drop_table("inhabitants")
    op.drop_table("flow_categories")
    op.drop_table("figures_reached")
    op.drop_index(op.f("ix_figures_of_days_open_calls"), table_name="figures_of_days")

    op.drop_table("figures_of_days")
    op.drop_table("edge_sums")
    op.drop_table("call_sums")
