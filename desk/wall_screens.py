"""Screens on a wall, which show figures for weeks and cannot log in.

Whoever may share figures makes a screen and gets a code. It is typed at the screen once, soon; in return the
screen's browser gets a key of its own, in a cookie. So no secret ever stands in an address. Of code and key
only a hash is kept, and an ended screen sees nothing more.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from desk.models import WallScreen

#: How long a code can be typed.
CODE_VALID = timedelta(minutes=30)
#: Letters and digits that nobody takes for one another; eight of them cannot be guessed in that time.
_LETTERS, _LENGTH = "23456789ABCDEFGHJKMNPQRSTUVWXYZ", 8


class NoSuchScreen(Exception):
    """There is none with that number, or it was ended."""


def make_screen(session: Session, *, name: str, by: str, now: datetime) -> tuple[WallScreen, str]:
    """A new screen, and its code as it is shown: in two groups of four."""
    code = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    screen = WallScreen(
        name=name, digest=_digest_of_code(code), code_until=now + CODE_VALID, made_by=by, made_at=now
    )
    session.add(screen)
    session.flush()
    return screen, f"{code[:4]}-{code[4:]}"


def connect_screen(session: Session, code: str, *, now: datetime) -> str | None:
    """The key for the browser at which ``code`` was typed; ``None`` where no screen waits for that code."""
    key = secrets.token_urlsafe(32)
    found = session.execute(
        update(WallScreen)
        .where(
            WallScreen.digest == _digest_of_code(code),
            WallScreen.code_until > now,
            WallScreen.ended_at.is_(None),
        )
        .values(digest=_digest(key), code_until=None, seen_at=now)
        .returning(WallScreen.id)
    ).first()
    return key if found else None


def screen_with(session: Session, key: str) -> int | None:
    """The number of the screen that holds ``key``; ``None`` if there is none, or it was ended."""
    return session.scalar(
        select(WallScreen.id).where(
            WallScreen.digest == _digest(key), WallScreen.code_until.is_(None), WallScreen.ended_at.is_(None)
        )
    )


def screens(session: Session) -> Sequence[WallScreen]:
    """Those that were not ended, the newest first."""
    return session.scalars(
        select(WallScreen).where(WallScreen.ended_at.is_(None)).order_by(WallScreen.id.desc())
    ).all()


def end_screen(session: Session, number: int, *, now: datetime) -> WallScreen:
    """It sees nothing any more. Raises :class:`NoSuchScreen`."""
    screen = session.get(WallScreen, number)
    if screen is None or screen.ended_at is not None:
        raise NoSuchScreen
    screen.ended_at = now
    return screen


def note_screens_seen(session: Session, numbers: Collection[int], *, now: datetime) -> None:
    """These show the wall now."""
    session.execute(update(WallScreen).where(WallScreen.id.in_(numbers)).values(seen_at=now))


def _digest_of_code(code: str) -> str:
    # As people type it: any case, with or without the line in the middle.
    letters = "".join(letter for letter in code.upper() if letter.isalnum())
    return _digest(f"code {letters}")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
