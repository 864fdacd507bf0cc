"""Who asks without being in the register: a verified tax code on requests, name and code on appointments.

Revision ID: 0021
Revises: 0020
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("requests", sa.Column("applicant_tax_code", sa.String(length=16), nullable=True))
    op.create_index(op.f("ix_requests_applicant_tax_code"), "requests", ["applicant_tax_code"], unique=False)
    op.add_column("bookings", sa.Column("applicant_tax_code", sa.String(length=16), nullable=True))
    op.create_index(op.f("ix_bookings_applicant_tax_code"), "bookings", ["applicant_tax_code"], unique=False)
    op.add_column("audit", sa.Column("outsider", sa.String(length=16), nullable=True))
    op.create_index(op.f("ix_audit_outsider"), "audit", ["outsider"], unique=False)
    # One name for one thing, and as long as on requests.
    op.add_column("bookings", sa.Column("applicant", sa.String(length=160), nullable=True))
    op.execute("UPDATE bookings SET applicant = name")
    op.drop_column("bookings", "name")


def downgrade() -> None:
    op.add_column("bookings", sa.Column("name", sa.String(length=80), nullable=True))
    op.execute("UPDATE bookings SET name = substr(applicant, 1, 80)")
    op.drop_column("bookings", "applicant")
    op.drop_index(op.f("ix_audit_outsider"), table_name="audit")
    op.drop_column("audit", "outsider")
    op.drop_index(op.f("ix_bookings_applicant_tax_code"), table_name="bookings")
    op.drop_column("bookings", "applicant_tax_code")
    op.drop_index(op.f("ix_requests_applicant_tax_code"), table_name="requests")
    op.drop_column("requests", "applicant_tax_code")
