"""What a citizen may have: all that is kept about him, for machines to read (GDPR art. 15 and 20)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from sqlalchemy.orm import Session

from desk.applicants import Outsider
from desk.audit import AuditAction, note_look
from desk.models import Citizen, RequestDetails
from desk.person import Person, person_of, whom
from desk.pseudonyms import Pseudonyms
from desk.recordings import recordings_of
from desk.settings import Settings

FORMAT = "centralino-citizen-1"


def export_citizen(
    session: Session,
    who: Citizen | Outsider,
    settings: Settings,
    pseudonyms: Pseudonyms,
    *,
    by: str,
    how: str,
    now: datetime,
) -> bytes:
    """The export as JSON (UTF-8), and a row in the audit that says who took it out.

    Recordings are listed, not contained: they are handed over as files.
    """
    person = person_of(session, who)
    note_look(session, by=by, action=AuditAction.EXPORTED, now=now, detail=how, **whom(who, pseudonyms))
    export = {
        "format": FORMAT,
        "made_at": now.isoformat(),
        "numbers_shared_with_others": person.shared_numbers,
        "note": (
            "What came from a number that others have too is contained only where it led to something of "
            "this person."
        ),
        "recordings": list(_recordings(person, settings.home.resolve())),
        "tables": {name: [_plain(row) for row in rows] for name, rows in person.rows.items()},
    }
    return json.dumps(export, ensure_ascii=False, indent=2, default=_as_json).encode()


def paths_of(person: Person) -> Iterator[Path]:
    """The recordings of all that a person asked for."""
    for rows in person.rows.values():
        for row in rows:
            for name, value in row.items():
                if isinstance(value, BaseModel):
                    details: RequestDetails = value  # type: ignore[assignment]
                    yield from recordings_of(details)
                elif "recording" in str(name) and isinstance(value, str):
                    yield Path(value)
                elif name == "recordings":
                    yield from map(Path, value)


def _recordings(person: Person, home: Path) -> Iterator[Mapping[str, Any]]:
    for path in sorted(set(paths_of(person))):
        file = (home / path).resolve()
        is_ours = file.is_relative_to(home) and file.is_file()
        yield {"file": file.name, "bytes": file.stat().st_size if is_ours else None}


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row.items()}


def _as_json(value: object) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal | Path):
        return str(value)
    raise TypeError(f"no JSON for {type(value).__name__}")
