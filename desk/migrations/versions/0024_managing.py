"""The audit is read by who and what; English names of reports; log-ins that the town's own one vouched for.

Revision ID: 0024
Revises: 0022
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index(op.f("ix_audit_by"), table_name="audit")
    op.create_index(op.f("ix_audit_by_at"), "audit", ["by", "at"], unique=False)
    op.create_index(op.f("ix_audit_action_at"), "audit", ["action", "at"], unique=False)
    op.add_column("report_categories", sa.Column("name_en", sa.String(length=120), nullable=True))
    op.add_column("operator_sessions", sa.Column("provider_session", sa.String(length=255), nullable=True))
    op.add_column("operator_sessions", sa.Column("id_token", sa.Text(), nullable=True))
    op.create_index(
        op.f("ix_operator_sessions_provider_session"), "operator_sessions", ["provider_session"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_operator_sessions_provider_session"), table_name="operator_sessions")
    op.drop_column("operator_sessions", "id_token")
    op.drop_column("operator_sessions", "provider_session")
    op.drop_column("report_categories", "name_en")
    op.drop_index(op.f("ix_audit_action_at"), table_name="audit")
    op.drop_index(op.f("ix_audit_by_at"), table_name="audit")
    op.create_index(op.f("ix_audit_by"), "audit", ["by"], unique=False)
