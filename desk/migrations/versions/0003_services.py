"""What the services by keypad need.

Revision ID: 0003
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from desk.migrations.closed_sets import allow

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "fees",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("amount", sa.Numeric(precision=8, scale=2), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_fees")),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("text_it", sa.String(length=1000), nullable=True),
        sa.Column("text_en", sa.String(length=1000), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.String(length=40), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cleared_by", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.create_index(op.f("ix_notices_expires_at"), "notices", ["expires_at"], unique=False)
    op.create_table(
        "competent_offices",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_competent_offices")),
    )
    op.create_table(
        "report_categories",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name_it", sa.String(length=120), nullable=False),
        sa.Column("office_code", sa.String(length=40), nullable=False),
        sa.Column("working_days", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["office_code"],
            ["competent_offices.code"],
            name=op.f("fk_report_categories_office_code_competent_offices"),
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_report_categories")),
    )
    op.create_index(
        op.f("ix_report_categories_office_code"), "report_categories", ["office_code"], unique=False
    )
    op.create_table(
        "emails",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("to_address", sa.String(length=254), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "created",
                "sending",
                "sent",
                "failed",
                "unknown",
                name="message_state",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_emails_request_id_requests")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emails")),
    )
    op.create_index(op.f("ix_emails_request_id"), "emails", ["request_id"], unique=False)
    op.create_index(op.f("ix_emails_state_not_before"), "emails", ["state", "not_before"], unique=False)
    allow("requests", "kind", "ck_requests_request_kind", ("certificate", "message", "report"))


def downgrade() -> None:
    op.drop_table("emails")
    op.drop_table("report_categories")
    op.drop_table("competent_offices")
    # The version before has no way to keep a report.
    op.execute(
        "UPDATE messages SET request_id = NULL WHERE request_id IN "
        "(SELECT id FROM requests WHERE kind = 'report')"
    )
    op.execute("DELETE FROM requests WHERE kind = 'report'")
    allow("requests", "kind", "ck_requests_request_kind", ("certificate", "message"))
    op.drop_index(op.f("ix_notices_expires_at"), table_name="notices")
    op.drop_table("notices")
    op.drop_table("fees")
