"""Which sentences the things of a town need: somebody has to write a name before it can be spoken."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import AppointmentService, Course, ReportCategory, Room
from prompts.catalogue import Catalogue
from prompts.town_names import COURSES, REPORTS, ROOMS, SERVICES, is_name, missing_names

_THINGS = ((ReportCategory, REPORTS), (Course, COURSES), (Room, ROOMS), (AppointmentService, SERVICES))


def lacking_names(db: Session, catalogue: Catalogue) -> Sequence[str]:
    """The keys that what is on offer lacks in a language."""
    return [
        key
        for model, groups in _THINGS
        for code in db.scalars(select(model.code).where(model.active).order_by(model.position))
        for key in missing_names(catalogue, groups, code)
    ]


def names_something(db: Session, key: str) -> bool:
    """Whether ``key`` is the name of something that the town has, on offer or not."""
    group, _, code = key.rpartition(".")
    return is_name(key) and any(
        group in groups and db.get(model, code) is not None for model, groups in _THINGS
    )
