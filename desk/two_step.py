"""The second step of a log-in: the code that a telephone shows, or one of a list kept in a drawer.

The secret shared with the telephone has to be readable, so it is encrypted with a key made from the keyring:
a copy of the database alone gives nobody a code.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from datetime import datetime

import pyotp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from desk.models import Operator, RecoveryCode

ISSUER = "Centralino"
#: Codes that let in once each, where the telephone is lost.
RECOVERY_CODES = 10
#: Half minutes that a telephone's clock may be off, each way.
_TOLERANCE = 1
_STEP = 30
_NONCE = 12
#: Without letters and digits that look alike. Sixteen of them are 79 bits: a hash gives none away.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_CODE_LENGTH = 16


class Unreadable(Exception):
    """The secret cannot be decrypted: the keyring is another one. The second step has to be set up anew."""


class TwoStep:
    """Sets up, checks and ends the second step. ``web_key`` is the keyring's."""

    def __init__(self, web_key: str) -> None:
        self._key = HKDF(hashes.SHA256(), 32, salt=None, info=b"operators' second step").derive(
            web_key.encode()
        )

    def new_secret(self, operator_id: int) -> str:
        """A new secret, encrypted for that operator; nothing is kept yet."""
        return self._sealed(operator_id, pyotp.random_base32())

    def to_type(self, operator_id: int, sealed: str) -> str:
        """The secret as one types it into a telephone. Raises :class:`Unreadable`."""
        return self._opened(operator_id, sealed)

    def to_scan(self, operator_id: int, sealed: str, login: str) -> str:
        """The ``otpauth`` address that goes into the QR code. Raises :class:`Unreadable`."""
        return pyotp.TOTP(self._opened(operator_id, sealed)).provisioning_uri(name=login, issuer_name=ISSUER)

    def set_up(
        self, session: Session, operator: Operator, sealed: str, code: str, *, now: datetime
    ) -> tuple[str, ...] | None:
        """Begin to ask for it, once the telephone has shown a right code; None for a wrong one.

        Returns the recovery codes: they are shown this once, and former ones no longer let in. Raises
        :class:`Unreadable`.
        """
        step = self._step_of(self._opened(operator.id, sealed), code, now)
        if step is None:
            return None
        operator.totp_secret, operator.totp_step = sealed, step
        codes = tuple(_new_code() for _ in range(RECOVERY_CODES))
        session.execute(delete(RecoveryCode).where(RecoveryCode.operator_id == operator.id))
        session.add_all(RecoveryCode(operator_id=operator.id, digest=_digest(code)) for code in codes)
        session.flush()
        return codes

    def passes(self, session: Session, operator_id: int, code: str, *, now: datetime) -> bool:
        """Whether the code lets that operator in; it does so once. Raises :class:`Unreadable`."""
        # Locked: of two that send the same code at once, one gets in.
        operator = session.get(Operator, operator_id, with_for_update=True, populate_existing=True)
        if operator is None or operator.totp_secret is None:
            return False
        step = self._step_of(self._opened(operator.id, operator.totp_secret), code, now)
        if step is not None and (operator.totp_step is None or step > operator.totp_step):
            operator.totp_step = step
            return True
        spare = session.scalar(
            select(RecoveryCode).where(
                RecoveryCode.operator_id == operator.id,
                RecoveryCode.digest == _digest(code),
                RecoveryCode.used_at.is_(None),
            )
        )
        if spare is None:
            return False
        spare.used_at = now
        return True

    def _step_of(self, secret: str, code: str, now: datetime) -> int | None:
        """The half minute that a code of the telephone belongs to, if it is one of these moments."""
        typed = "".join(code.split())
        if len(typed) != 6 or not (typed.isascii() and typed.isdecimal()):
            return None
        totp, at = pyotp.TOTP(secret), int(now.timestamp()) // _STEP
        return next(
            (
                step
                for step in range(at + _TOLERANCE, at - _TOLERANCE - 1, -1)
                if secrets.compare_digest(totp.generate_otp(step), typed)
            ),
            None,
        )

    def _sealed(self, operator_id: int, secret: str) -> str:
        nonce = os.urandom(_NONCE)
        return base64.urlsafe_b64encode(
            nonce + AESGCM(self._key).encrypt(nonce, secret.encode(), str(operator_id).encode())
        ).decode()

    def _opened(self, operator_id: int, sealed: str) -> str:
        try:
            raw = base64.urlsafe_b64decode(sealed)
            return AESGCM(self._key).decrypt(raw[:_NONCE], raw[_NONCE:], str(operator_id).encode()).decode()
        except (ValueError, InvalidTag) as e:
            raise Unreadable("the keyring is not the one that the secret was encrypted with") from e


def end_two_step(session: Session, operator: Operator) -> None:
    """Ask no longer for a code."""
    operator.totp_secret = operator.totp_step = None
    session.execute(delete(RecoveryCode).where(RecoveryCode.operator_id == operator.id))


def recovery_codes_left(session: Session, operator_id: int) -> int:
    """How many codes of the list were not used yet."""
    return (
        session.scalar(
            select(func.count())
            .select_from(RecoveryCode)
            .where(RecoveryCode.operator_id == operator_id, RecoveryCode.used_at.is_(None))
        )
        or 0
    )


def _new_code() -> str:
    code = "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH))
    return "-".join(code[start : start + 4] for start in range(0, _CODE_LENGTH, 4))


def _digest(code: str) -> str:
    plain = "".join(letter for letter in code.lower() if letter.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()
