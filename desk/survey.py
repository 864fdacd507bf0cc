"""The answers to the question after a talk with an operator."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from desk.db import insert
from desk.models import SurveyAnswer


def note_answer(
    session: Session, call_unique_id: str, *, extension: str | None, solved: bool, now: datetime
) -> None:
    """Keep the answer of a call about the operator at ``extension``; the first one counts."""
    session.execute(
        insert(session.get_bind().dialect.name, SurveyAnswer.__table__)
        .values(call_unique_id=call_unique_id, extension=extension, solved=solved, at=now)
        .on_conflict_do_nothing(index_elements=["call_unique_id"])
    )
