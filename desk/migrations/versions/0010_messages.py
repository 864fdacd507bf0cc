"""Receipts, attempts and routes of messages; texts from citizens; identity cards and who was told of them.

Revision ID: 0010
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from desk.migrations.closed_sets import allow

revision = "0010"
down_revision = "0005"
branch_labels = None
depends_on = None

OLD_STATES = ("created", "sending", "sent", "failed", "unknown")
NEW_STATES = (
    "delivered",
    "undelivered",
    "no_receipt",
    "no_consent",
    "stopped",
    "voice_notice",
    "trial",
)
OLD_CHANNELS = ("phone", "web", "counter")


def closed_set(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=24)


def upgrade() -> None:
    for table in ("messages", "emails"):
        allow(table, "state", f"ck_{table}_message_state", (*OLD_STATES, *NEW_STATES))
    for table in ("requests", "bookings"):
        allow(table, "channel", f"ck_{table}_channel", (*OLD_CHANNELS, "sms"))
    op.add_column("consents", sa.Column("withdrawn_by", sa.String(length=80), nullable=True))
    op.add_column("messages", sa.Column("route", sa.String(length=20), nullable=True))
    op.add_column("messages", sa.Column("not_after", sa.DateTime(timezone=True), nullable=True))
    op.add_column("messages", sa.Column("receipt_due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("messages", sa.Column("idempotency_key", sa.String(length=80), nullable=True))
    op.create_index(op.f("ix_messages_idempotency_key"), "messages", ["idempotency_key"], unique=True)
    op.create_index(op.f("ix_messages_provider_id"), "messages", ["provider_id"], unique=False)
    op.create_index(op.f("ix_messages_sent_at"), "messages", ["sent_at"], unique=False)
    op.create_index(op.f("ix_messages_to_e164_sent_at"), "messages", ["to_e164", "sent_at"], unique=False)

    op.create_table(
        "message_receipts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("provider_id", sa.String(length=80), nullable=True),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("error_code", sa.String(length=20), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["messages.id"],
            name=op.f("fk_message_receipts_message_id_messages"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_receipts")),
    )
    op.create_index(op.f("ix_message_receipts_message_id"), "message_receipts", ["message_id"], unique=False)

    op.create_table(
        "message_attempts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("route", sa.String(length=20), nullable=False),
        sa.Column(
            "outcome", closed_set("attempted", "accepted", "refused", "failed", "in_doubt"), nullable=False
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["messages.id"],
            name=op.f("fk_message_attempts_message_id_messages"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_attempts")),
    )
    op.create_index(op.f("ix_message_attempts_message_id"), "message_attempts", ["message_id"], unique=False)
    op.create_index(op.f("ix_message_attempts_route_at"), "message_attempts", ["route", "at"], unique=False)

    op.create_table(
        "sms_routes",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("share", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("share BETWEEN 0 AND 100", name=op.f("ck_sms_routes_share")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sms_routes")),
    )
    op.create_table(
        "inbound_texts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.String(length=80), nullable=False),
        sa.Column("sender", sa.String(length=40), nullable=False),
        sa.Column("body", sa.String(length=1600), nullable=False),
        sa.Column("kind", closed_set("inbound_kind", "stop", "start", "status", "message"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.String(length=640), nullable=True),
        sa.Column("request_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], name=op.f("fk_inbound_texts_request_id_requests")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_texts")),
        sa.UniqueConstraint("provider_id", name=op.f("uq_inbound_texts_provider_id")),
    )
    op.create_index(op.f("ix_inbound_texts_request_id"), "inbound_texts", ["request_id"], unique=False)
    op.create_index(op.f("ix_inbound_texts_sender"), "inbound_texts", ["sender"], unique=False)

    op.create_table(
        "identity_documents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("citizen_id", sa.Integer(), nullable=False),
        sa.Column("kind", closed_set("document_kind", "electronic", "paper"), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.CheckConstraint("issued_on < expires_on", name=op.f("ck_identity_documents_order")),
        sa.ForeignKeyConstraint(
            ["citizen_id"],
            ["citizens.id"],
            name=op.f("fk_identity_documents_citizen_id_citizens"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_documents")),
    )
    op.create_index(
        op.f("ix_identity_documents_citizen_id"), "identity_documents", ["citizen_id"], unique=False
    )
    op.create_index(
        op.f("ix_identity_documents_expires_on"), "identity_documents", ["expires_on"], unique=False
    )
    op.create_table(
        "document_notices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("stage", closed_set("notice_stage", "renewable", "expiring", "paper"), nullable=False),
        sa.Column("message_id", sa.String(length=36), nullable=True),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["identity_documents.id"],
            name=op.f("fk_document_notices_document_id_identity_documents"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["messages.id"],
            name=op.f("fk_document_notices_message_id_messages"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_notices")),
        sa.UniqueConstraint("document_id", "stage", name=op.f("uq_document_notices_document_id_stage")),
    )
    op.create_index(op.f("ix_document_notices_message_id"), "document_notices", ["message_id"], unique=False)


def downgrade() -> None:
    op.drop_table("document_notices")
    op.drop_table("identity_documents")
    op.drop_table("inbound_texts")
    op.drop_table("sms_routes")
    op.drop_table("message_attempts")
    op.drop_table("message_receipts")
    op.drop_index(op.f("ix_messages_to_e164_sent_at"), table_name="messages")
    op.drop_index(op.f("ix_messages_sent_at"), table_name="messages")
    op.drop_index(op.f("ix_messages_provider_id"), table_name="messages")
    op.drop_index(op.f("ix_messages_idempotency_key"), table_name="messages")
    for column in ("idempotency_key", "receipt_due_at", "not_after", "route"):
        op.drop_column("messages", column)
    op.drop_column("consents", "withdrawn_by")
    # The version before has no way to keep what came by SMS, and knows fewer states.
    op.execute(
        "UPDATE messages SET request_id = NULL WHERE request_id IN "
        "(SELECT id FROM requests WHERE channel = 'sms')"
    )
    op.execute("DELETE FROM requests WHERE channel = 'sms'")
    op.execute("UPDATE bookings SET channel = 'phone' WHERE channel = 'sms'")
    for table in ("requests", "bookings"):
        allow(table, "channel", f"ck_{table}_channel", OLD_CHANNELS)
    for table in ("messages", "emails"):
        op.execute(f"UPDATE {table} SET state = 'sent' WHERE state IN ('delivered', 'no_receipt')")  # noqa: S608
        others = ", ".join(repr(state) for state in NEW_STATES)
        op.execute(f"UPDATE {table} SET state = 'failed' WHERE state IN ({others})")  # noqa: S608
        allow(table, "state", f"ck_{table}_message_state", OLD_STATES)
