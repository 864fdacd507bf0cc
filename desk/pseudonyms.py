"""Pseudonyms of telephone numbers: the same number has the same one, and nobody reads the number in it.

Made with a key (HMAC), because there are so few telephone numbers that a plain hash could be turned back by
trying them all. With another key the same number has another pseudonym.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Collection

from desk.keyring import open_keyring
from desk.settings import Settings

#: What no number begins with; 16 characters in all, as many as the columns of numbers take.
MARK = "p"
_LENGTH = 16

#: A telephone number within other text, but not a piece of a longer word or of a channel's own number.
_NUMBER = re.compile(r"(?<![\w.-])\+?\d{6,15}(?![\w.])", re.ASCII)


class Pseudonyms:
    """Makes pseudonyms with the secret of one system (the web key, which stays the same for years).

    Args:
        secret: of the system.
        spared: numbers within texts that are nobody's: the town's own.
    """

    def __init__(self, secret: str, *, spared: Collection[str] = ()) -> None:
        self._spared = {number.lstrip("+") for number in spared}
        self._key = hmac.digest(secret.encode(), b"pseudonyms", hashlib.sha256)

    def of(self, what: str) -> str:
        """The pseudonym of a number, or of a tax code: 16 characters."""
        digest = hmac.digest(self._key, what.encode(), hashlib.sha256)
        return (MARK + base64.b32encode(digest).decode().lower())[:_LENGTH]

    def within(self, text: str, *, digits: int = 6) -> str:
        """``text`` with every number of at least so many digits replaced."""

        def replaced(found: re.Match[str]) -> str:
            number = found.group().lstrip("+")
            if len(number) < digits or number in self._spared:
                return found.group()
            return self.of(found.group())

        return _NUMBER.sub(replaced, text)


def is_pseudonym(value: str) -> bool:
    """Whether that is no number any more."""
    return value.startswith(MARK)


def pseudonyms_of(settings: Settings) -> Pseudonyms:
    """Those of this system. Raises :class:`~desk.keyring.KeyringError`."""
    keyring = open_keyring(settings.home.resolve(), extensions=(), logins=())
    return Pseudonyms(keyring.web_key, spared=[settings.town_number])
