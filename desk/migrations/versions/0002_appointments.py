"""Appointments.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "offices",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name_it", sa.String(length=80), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("place", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_offices")),
    )
    op.create_table(
        "absences",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("office_code", sa.String(length=40), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.CheckConstraint("begins_at < ends_at", name=op.f("ck_absences_order")),
        sa.ForeignKeyConstraint(
            ["office_code"], ["offices.code"], name=op.f("fk_absences_office_code_offices")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absences")),
    )
    with op.batch_alter_table("absences", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_absences_office_code"), ["office_code"], unique=False)

    op.create_table(
        "appointment_services",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("office_code", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name_it", sa.String(length=80), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("slot_minutes", sa.Integer(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("notice_hours", sa.Integer(), nullable=False),
        sa.Column("horizon_days", sa.Integer(), nullable=False),
        sa.Column("most_per_citizen", sa.Integer(), nullable=False),
        sa.Column("kept_percent", sa.Integer(), nullable=False),
        sa.Column("kept_until_days", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("capacity > 0", name=op.f("ck_appointment_services_capacity")),
        sa.CheckConstraint(
            "kept_percent BETWEEN 0 AND 100", name=op.f("ck_appointment_services_kept_percent")
        ),
        sa.CheckConstraint("slot_minutes > 0", name=op.f("ck_appointment_services_slot_minutes")),
        sa.ForeignKeyConstraint(
            ["office_code"], ["offices.code"], name=op.f("fk_appointment_services_office_code_offices")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_appointment_services")),
    )
    with op.batch_alter_table("appointment_services", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_appointment_services_office_code"), ["office_code"], unique=False
        )

    op.create_table(
        "bookings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=8), nullable=False),
        sa.Column("service_code", sa.String(length=40), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "booked",
                "cancelled",
                name="booking_state",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column(
            "channel",
            sa.Enum(
                "phone",
                "web",
                "counter",
                name="channel",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("citizen_id", sa.Integer(), nullable=True),
        sa.Column("contact_e164", sa.String(length=16), nullable=True),
        sa.Column(
            "identified_by",
            sa.Enum(
                "birth_date",
                "tax_code",
                "spoken",
                name="identified_by",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=True,
        ),
        sa.Column("identity_recording", sa.String(length=400), nullable=True),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("idempotency_key", sa.String(length=80), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=True),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_bookings_call_id_calls")),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizens.id"], name=op.f("fk_bookings_citizen_id_citizens")
        ),
        sa.ForeignKeyConstraint(
            ["service_code"],
            ["appointment_services.code"],
            name=op.f("fk_bookings_service_code_appointment_services"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bookings")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_bookings_idempotency_key")),
        sa.UniqueConstraint("reference", name=op.f("uq_bookings_reference")),
    )
    with op.batch_alter_table("bookings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bookings_call_id"), ["call_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_bookings_citizen_id_starts_at"), ["citizen_id", "starts_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_bookings_contact_e164"), ["contact_e164"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_bookings_service_code_starts_at"), ["service_code", "starts_at"], unique=False
        )

    op.create_table(
        "slot_patterns",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service_code", sa.String(length=40), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("begins", sa.Time(), nullable=False),
        sa.Column("ends", sa.Time(), nullable=False),
        sa.CheckConstraint("begins < ends", name=op.f("ck_slot_patterns_order")),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_slot_patterns_weekday")),
        sa.ForeignKeyConstraint(
            ["service_code"],
            ["appointment_services.code"],
            name=op.f("fk_slot_patterns_service_code_appointment_services"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slot_patterns")),
    )
    with op.batch_alter_table("slot_patterns", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_slot_patterns_service_code"), ["service_code"], unique=False)

    op.create_table(
        "booking_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column(
            "step",
            sa.Enum(
                "booked",
                "moved",
                "cancelled",
                name="booking_step",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["booking_id"],
            ["bookings.id"],
            name=op.f("fk_booking_changes_booking_id_bookings"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_changes")),
    )
    with op.batch_alter_table("booking_changes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_booking_changes_booking_id"), ["booking_id"], unique=False)

    op.create_table(
        "slot_places",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service_code", sa.String(length=40), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("booking_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(booking_id IS NULL) <> (held_until IS NULL)", name=op.f("ck_slot_places_held_or_booked")
        ),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["bookings.id"], name=op.f("fk_slot_places_booking_id_bookings")
        ),
        sa.ForeignKeyConstraint(
            ["service_code"],
            ["appointment_services.code"],
            name=op.f("fk_slot_places_service_code_appointment_services"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slot_places")),
        sa.UniqueConstraint("booking_id", name=op.f("uq_slot_places_booking_id")),
        sa.UniqueConstraint(
            "service_code", "starts_at", "place", name=op.f("uq_slot_places_service_code_starts_at_place")
        ),
    )
    with op.batch_alter_table("slot_places", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_slot_places_held_until"), ["held_until"], unique=False)
        batch_op.create_index(batch_op.f("ix_slot_places_holder"), ["holder"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("slot_places", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_slot_places_holder"))
        batch_op.drop_index(batch_op.f("ix_slot_places_held_until"))

    op.drop_table("slot_places")
    with op.batch_alter_table("booking_changes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_booking_changes_booking_id"))

    op.drop_table("booking_changes")
    with op.batch_alter_table("slot_patterns", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_slot_patterns_service_code"))

    op.drop_table("slot_patterns")
    with op.batch_alter_table("bookings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_bookings_service_code_starts_at"))
        batch_op.drop_index(batch_op.f("ix_bookings_contact_e164"))
        batch_op.drop_index(batch_op.f("ix_bookings_citizen_id_starts_at"))
        batch_op.drop_index(batch_op.f("ix_bookings_call_id"))

    op.drop_table("bookings")
    with op.batch_alter_table("appointment_services", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_appointment_services_office_code"))

    op.drop_table("appointment_services")
    with op.batch_alter_table("absences", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_absences_office_code"))

    op.drop_table("absences")
    op.drop_table("offices")
