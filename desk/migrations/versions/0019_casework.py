"""Who works on a request, notes and attachments, the counter's services, and searching by name.

Revision ID: 0019
Revises: 0017
"""

from __future__ import annotations

import unicodedata

import sqlalchemy as sa
from alembic import op

from desk.migrations.closed_sets import allow

revision = "0019"
down_revision = "0017"
branch_labels = None
depends_on = None

OLD_KINDS = ("certificate", "message", "report", "course", "room", "call_back", "lost_call")
NEW_KINDS = (
    "call_center",
    "documents",
    "information",
    "identity_documents",
    "residence_change",
    "declarations",
    "authentication",
    "forms",
    "appointments",
    "payments",
)
OLD_ACTIONS = (
    "listed",
    "viewed",
    "heard",
    "searched",
    "exported",
    "erased",
    "operator_added",
    "operator_changed",
    "password_reset",
    "password_changed",
    "two_step_on",
    "two_step_off",
    "signed_out",
    "key_made",
    "key_revoked",
)
NEW_ACTIONS = ("downloaded", "changed")
OLD_IDENTIFIED = ("birth_date", "tax_code", "spoken")
OPEN = "state IN ('received', 'in_progress', 'waiting_citizen')"


def _folded_type() -> sa.types.TypeEngine[str]:
    return sa.String(length=170).with_variant(sa.String(length=170, collation="C"), "postgresql")


def _folded(last_name: str, first_name: str) -> str:
    """As names are compared when this revision was written."""
    plain = unicodedata.normalize("NFKD", f"{last_name} {first_name}").casefold()
    letters = "".join(
        letter if letter.isalnum() else "" if unicodedata.combining(letter) else " " for letter in plain
    )
    return " ".join(letters.split())[:170]


def upgrade() -> None:
    allow("requests", "kind", "ck_requests_request_kind", (*OLD_KINDS, *NEW_KINDS))
    allow("audit", "action", "ck_audit_audit_action", (*OLD_ACTIONS, *NEW_ACTIONS))
    allow("bookings", "identified_by", "ck_bookings_identified_by", (*OLD_IDENTIFIED, "document"))

    op.add_column("requests", sa.Column("assignee", sa.String(length=40), nullable=True))
    op.add_column("requests", sa.Column("applicant", sa.String(length=160), nullable=True))
    op.add_column("requests", sa.Column("applicant_key", _folded_type(), nullable=True))
    op.add_column("request_periods", sa.Column("assignee", sa.String(length=40), nullable=True))
    op.add_column("request_periods", sa.Column("note", sa.Text(), nullable=True))
    op.drop_index(op.f("ix_requests_state_id"), table_name="requests")
    for columns in (
        ["state", "due_on", "id"],
        ["state", "filed_at", "id"],
        ["filed_at", "id"],
        ["assignee", "due_on"],
        ["contact_e164"],
        ["applicant_key"],
    ):
        op.create_index(op.f(f"ix_requests_{'_'.join(columns)}"), "requests", columns, unique=False)
    op.create_index(
        "ix_requests_open",
        "requests",
        ["due_on", "id"],
        unique=False,
        postgresql_where=sa.text(OPEN),
        sqlite_where=sa.text(OPEN),
    )

    op.add_column("citizens", sa.Column("name_key", _folded_type(), nullable=True))
    op.create_index(op.f("ix_citizens_name_key"), "citizens", ["name_key"], unique=False)
    connection = op.get_bind()
    named = connection.execute(sa.text("SELECT id, last_name, first_name FROM citizens")).all()
    if named:
        connection.execute(
            sa.text("UPDATE citizens SET name_key = :key WHERE id = :id"),
            [{"id": number, "key": _folded(last, first)} for number, last, first in named],
        )

    op.create_table(
        "request_notes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["requests.id"],
            name=op.f("fk_request_notes_request_id_requests"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_notes")),
    )
    op.create_index(op.f("ix_request_notes_request_id"), "request_notes", ["request_id"], unique=False)
    op.create_table(
        "request_attachments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("file", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["requests.id"],
            name=op.f("fk_request_attachments_request_id_requests"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_attachments")),
        sa.UniqueConstraint("file", name=op.f("uq_request_attachments_file")),
    )
    op.create_index(
        op.f("ix_request_attachments_request_id"), "request_attachments", ["request_id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("request_attachments")
    op.drop_table("request_notes")
    op.drop_index(op.f("ix_citizens_name_key"), table_name="citizens")
    op.drop_column("citizens", "name_key")

    kinds = ", ".join(repr(kind) for kind in NEW_KINDS)
    gone = f"(SELECT id FROM requests WHERE kind IN ({kinds}))"  # noqa: S608 - our own words
    op.execute(f"UPDATE audit SET request_id = NULL WHERE request_id IN {gone}")  # noqa: S608
    op.execute(f"DELETE FROM messages WHERE request_id IN {gone}")  # noqa: S608
    op.execute(f"DELETE FROM requests WHERE kind IN ({kinds})")  # noqa: S608
    op.execute("UPDATE audit SET action = 'viewed' WHERE action IN ('downloaded', 'changed')")
    op.execute("UPDATE bookings SET identified_by = NULL WHERE identified_by = 'document'")

    op.drop_index("ix_requests_open", table_name="requests")
    for columns in (
        ["state", "due_on", "id"],
        ["state", "filed_at", "id"],
        ["filed_at", "id"],
        ["assignee", "due_on"],
        ["contact_e164"],
        ["applicant_key"],
    ):
        op.drop_index(op.f(f"ix_requests_{'_'.join(columns)}"), table_name="requests")
    op.create_index(op.f("ix_requests_state_id"), "requests", ["state", "id"], unique=False)
    for table, column in (
        ("requests", "assignee"),
        ("requests", "applicant"),
        ("requests", "applicant_key"),
        ("request_periods", "assignee"),
        ("request_periods", "note"),
    ):
        op.drop_column(table, column)
    allow("bookings", "identified_by", "ck_bookings_identified_by", OLD_IDENTIFIED)
    allow("audit", "action", "ck_audit_audit_action", OLD_ACTIONS)
    allow("requests", "kind", "ck_requests_request_kind", OLD_KINDS)
