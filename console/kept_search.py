"""What somebody searches for, kept in the session: never in an address, and unreadable in the browser."""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken
from flask import current_app, session

#: The search in the list of requests.
REQUESTS = "search"
#: No search of ours is longer.
LONGEST_SEARCH = 80


def keep_search(typed: str, of: str = REQUESTS) -> None:
    """Keep what was typed until the session ends or something else is searched for in that list."""
    session[of] = _cipher().encrypt(typed.encode()).decode()


def kept_search(of: str = REQUESTS) -> str:
    """What was searched for last; empty where nothing was."""
    try:
        return _cipher().decrypt(session.get(of, "").encode()).decode()
    except InvalidToken:
        return ""


def forget_search(of: str = REQUESTS) -> None:
    """Forget it."""
    session.pop(of, None)


def _cipher() -> Fernet:
    secret = hashlib.sha256(b"search:" + str(current_app.secret_key).encode()).digest()
    return Fernet(base64.urlsafe_b64encode(secret))
