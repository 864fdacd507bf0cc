"""How an event is signed, and how its receiver checks that. Pure standard library: receivers may copy it.

The signature is ``v1=`` and the HMAC-SHA256, in hexadecimal, of the time of sending (seconds since 1970), a
dot and the body as it was sent. A receiver refuses what was signed long ago, so a message that somebody has
recorded cannot be sent again later.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

TIMESTAMP_HEADER = "Centralino-Timestamp"
SIGNATURE_HEADER = "Centralino-Signature"
#: How far the clocks of sender and receiver may be apart, and how long a message may be under way.
TOLERANCE = timedelta(minutes=5)
_VERSION = "v1="
#: More digits than this are no time.
_DIGITS = 12


class BadSignature(Exception):
    """The event does not come from who it should come from, or is too old."""


def sign(secret: str, body: bytes, *, now: datetime) -> dict[str, str]:
    """The headers that are sent with ``body``."""
    timestamp = str(int(now.timestamp()))
    return {TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: _signature(secret, timestamp, body)}


def verify(
    secret: str,
    body: bytes,
    *,
    timestamp: str | None,
    signature: str | None,
    now: datetime,
    tolerance: timedelta = TOLERANCE,
) -> None:
    """Raise :class:`BadSignature` unless ``body`` was signed with ``secret`` about ``now``.

    ``timestamp`` and ``signature`` are the values of the two headers, ``None`` where they are missing.
    """
    if timestamp is None or signature is None:
        raise BadSignature("a header is missing")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _DIGITS):
        raise BadSignature("the time is none")
    expected = _signature(secret, timestamp, body)
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise BadSignature("the signature is wrong")
    if abs(now - datetime.fromtimestamp(int(timestamp), UTC)) > tolerance:
        raise BadSignature("it was signed too long ago")


def _signature(secret: str, timestamp: str, body: bytes) -> str:
    signed = timestamp.encode() + b"." + body
    return _VERSION + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
