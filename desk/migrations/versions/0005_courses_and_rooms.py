"""Courses and rooms: what is offered, who is enrolled or waits, who asked for a room when.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "courses",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name_it", sa.String(length=80), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("enrolment_opens", sa.DateTime(timezone=True), nullable=False),
        sa.Column("enrolment_closes", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_lesson", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fee", sa.Numeric(precision=8, scale=2), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("waiting_list", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("enrolment_opens < enrolment_closes", name=op.f("ck_courses_order")),
        sa.CheckConstraint("fee >= 0", name=op.f("ck_courses_fee")),
        sa.CheckConstraint("places > 0", name=op.f("ck_courses_places")),
        sa.CheckConstraint("waiting_list >= 0", name=op.f("ck_courses_waiting_list")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_courses")),
    )
    op.create_table(
        "rooms",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name_it", sa.String(length=80), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("notice_days", sa.Integer(), nullable=False),
        sa.Column("horizon_days", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("capacity > 0", name=op.f("ck_rooms_capacity")),
        sa.CheckConstraint("notice_days >= 0", name=op.f("ck_rooms_notice_days")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_rooms")),
    )
    op.create_table(
        "room_purposes",
        sa.Column("room_code", sa.String(length=40), nullable=False),
        sa.Column(
            "purpose",
            sa.Enum(
                "marriage",
                "conference",
                "other",
                name="room_use",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("on_holidays", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["room_code"], ["rooms.code"], name=op.f("fk_room_purposes_room_code_rooms")),
        sa.PrimaryKeyConstraint("room_code", "purpose", name=op.f("pk_room_purposes")),
    )
    op.create_table(
        "enrolments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("course_code", sa.String(length=40), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=40), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["course_code"], ["courses.code"], name=op.f("fk_enrolments_course_code_courses")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], name=op.f("fk_enrolments_request_id_requests")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolments")),
        sa.UniqueConstraint("request_id", name=op.f("uq_enrolments_request_id")),
    )
    op.create_index(
        op.f("ix_enrolments_course_code_person"),
        "enrolments",
        ["course_code", "person"],
        unique=True,
        sqlite_where=sa.text("cancelled_at IS NULL"),
        postgresql_where=sa.text("cancelled_at IS NULL"),
    )
    op.create_table(
        "room_bookings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("room_code", sa.String(length=40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column(
            "part",
            sa.Enum(
                "morning",
                "afternoon",
                "evening",
                name="part_of_day",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column(
            "decision",
            sa.Enum(
                "requested",
                "approved",
                "refused",
                name="room_decision",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], name=op.f("fk_room_bookings_request_id_requests")
        ),
        sa.ForeignKeyConstraint(["room_code"], ["rooms.code"], name=op.f("fk_room_bookings_room_code_rooms")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_room_bookings")),
        sa.UniqueConstraint("request_id", name=op.f("uq_room_bookings_request_id")),
    )
    op.create_index(
        op.f("ix_room_bookings_room_code_day"), "room_bookings", ["room_code", "day"], unique=False
    )
    op.create_index(
        "uq_room_bookings_approved",
        "room_bookings",
        ["room_code", "day", "part"],
        unique=True,
        sqlite_where=sa.text("decision = 'approved'"),
        postgresql_where=sa.text("decision = 'approved'"),
    )
    op.create_table(
        "course_places",
        sa.Column("course_code", sa.String(length=40), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("enrolment_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["course_code"], ["courses.code"], name=op.f("fk_course_places_course_code_courses")
        ),
        sa.ForeignKeyConstraint(
            ["enrolment_id"], ["enrolments.id"], name=op.f("fk_course_places_enrolment_id_enrolments")
        ),
        sa.PrimaryKeyConstraint("course_code", "place", name=op.f("pk_course_places")),
        sa.UniqueConstraint("enrolment_id", name=op.f("uq_course_places_enrolment_id")),
    )


def downgrade() -> None:
    op.drop_table("course_places")
    op.drop_table("room_bookings")
    op.drop_table("enrolments")
    op.drop_table("room_purposes")
    op.drop_table("rooms")
    op.drop_table("courses")
    # The version before knows these kinds, but not what such a request is about.
    of_them = "(SELECT id FROM requests WHERE kind IN ('course', 'room'))"
    op.execute(f"UPDATE messages SET request_id = NULL WHERE request_id IN {of_them}")  # noqa: S608
    op.execute("DELETE FROM requests WHERE kind IN ('course', 'room')")
