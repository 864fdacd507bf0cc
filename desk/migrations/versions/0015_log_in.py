"""Sessions of operators, their second step, passwords given by others, failed log-ins, changes of operators.

Revision ID: 0015
Revises: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from desk.migrations.closed_sets import allow

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

OLD_ACTIONS = ("listed", "viewed", "heard", "searched", "exported", "erased")
NEW_ACTIONS = (
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
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    allow("audit", "action", "ck_audit_audit_action", (*OLD_ACTIONS, *NEW_ACTIONS))
    op.add_column("operators", sa.Column("password_expires_at", MOMENT, nullable=True))
    op.add_column("operators", sa.Column("language", sa.String(length=2), nullable=True))
    # With its constraint in the same statement: SQLite cannot add one to a column that is there.
    op.execute(
        "ALTER TABLE operators ADD COLUMN default_tier VARCHAR(24) CONSTRAINT ck_operators_tier "
        "CHECK (default_tier IN ('back_office', 'counter', 'office'))"
    )
    op.add_column("operators", sa.Column("default_phone", sa.String(length=8), nullable=True))
    op.add_column("operators", sa.Column("totp_secret", sa.String(length=200), nullable=True))
    op.add_column("operators", sa.Column("totp_step", sa.Integer(), nullable=True))
    op.add_column("operators", sa.Column("oidc_issuer", sa.String(length=200), nullable=True))
    op.add_column("operators", sa.Column("oidc_subject", sa.String(length=255), nullable=True))
    op.create_index(
        op.f("ix_operators_oidc_issuer_oidc_subject"),
        "operators",
        ["oidc_issuer", "oidc_subject"],
        unique=True,
    )

    op.create_table(
        "operator_sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("operator_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column(
            "way",
            sa.Enum(
                "password",
                "two_step",
                "single_sign_on",
                name="sign_in_way",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operators.id"], name=op.f("fk_operator_sessions_operator_id_operators")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_sessions")),
        sa.UniqueConstraint("digest", name=op.f("uq_operator_sessions_digest")),
    )
    op.create_index(
        op.f("ix_operator_sessions_operator_id_began_at"), "operator_sessions", ["operator_id", "began_at"]
    )
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("operator_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operators.id"], name=op.f("fk_recovery_codes_operator_id_operators")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_codes")),
    )
    op.create_index(op.f("ix_recovery_codes_operator_id"), "recovery_codes", ["operator_id"])
    op.create_table(
        "failed_logins",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_failed_logins")),
    )
    op.create_index(op.f("ix_failed_logins_last_at"), "failed_logins", ["last_at"])


def downgrade() -> None:
    op.drop_table("failed_logins")
    op.drop_table("recovery_codes")
    op.drop_table("operator_sessions")
    op.drop_index(op.f("ix_operators_oidc_issuer_oidc_subject"), "operators")
    for column in (
        "oidc_subject",
        "oidc_issuer",
        "totp_step",
        "totp_secret",
        "default_phone",
        "default_tier",
        "language",
        "password_expires_at",
    ):
        op.drop_column("operators", column)
    # The rows of what the former schema does not know go with it.
    op.execute(
        sa.text("DELETE FROM audit WHERE action IN :new").bindparams(
            sa.bindparam("new", NEW_ACTIONS, expanding=True)
        )
    )
    allow("audit", "action", "ck_audit_audit_action", OLD_ACTIONS)
