"""After years of work: lists of all requests there ever were, and what a phone answered today.

Revision ID: 0022
Revises: 0021
"""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_OF_REQUESTS = (("due_on", "id"), ("kind", "due_on", "id"), ("kind", "filed_at", "id"))


def upgrade() -> None:
    for columns in _OF_REQUESTS:
        op.create_index(op.f(f"ix_requests_{'_'.join(columns)}"), "requests", list(columns), unique=False)
    op.drop_index(op.f("ix_queue_stays_extension"), table_name="queue_stays")
    op.create_index(
        op.f("ix_queue_stays_extension_entered_at"), "queue_stays", ["extension", "entered_at"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_queue_stays_extension_entered_at"), table_name="queue_stays")
    op.create_index(op.f("ix_queue_stays_extension"), "queue_stays", ["extension"], unique=False)
    for columns in reversed(_OF_REQUESTS):
        op.drop_index(op.f(f"ix_requests_{'_'.join(columns)}"), table_name="requests")
