"""Lists of all requests there ever were are read in their order: by due date, and of one kind.

Revision ID: 0022
Revises: 0020
"""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0020"
branch_labels = None
depends_on = None

_INDEXES = (("due_on", "id"), ("kind", "due_on", "id"), ("kind", "filed_at", "id"))


def upgrade() -> None:
    for columns in _INDEXES:
        op.create_index(op.f(f"ix_requests_{'_'.join(columns)}"), "requests", list(columns), unique=False)


def downgrade() -> None:
    for columns in reversed(_INDEXES):
        op.drop_index(op.f(f"ix_requests_{'_'.join(columns)}"), table_name="requests")
