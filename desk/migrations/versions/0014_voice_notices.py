"""Voice notices for landlines: what a message was filled with, and how far its telling by telephone is.

Revision ID: 0014
Revises: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from desk.migrations.closed_sets import allow

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLES = ("messages", "emails", "event_deliveries", "digests")
OLD_STATES = (
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
    "trial",
)
NEW_STATES = ("calling", "heard")


def upgrade() -> None:
    # All outboxes share the set.
    for table in TABLES:
        allow(table, "state", f"ck_{table}_message_state", (*OLD_STATES, *NEW_STATES))
    kind = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
    op.add_column("messages", sa.Column("filled_with", kind, nullable=True))


def downgrade() -> None:
    op.drop_column("messages", "filled_with")
    op.execute("UPDATE messages SET state = 'delivered' WHERE state = 'heard'")
    op.execute("UPDATE messages SET state = 'voice_notice' WHERE state = 'calling'")
    for table in TABLES:
        allow(table, "state", f"ck_{table}_message_state", OLD_STATES)
