"""Files that only this system can read: AES-256-GCM, bound to a name: none stands in for another."""

from __future__ import annotations

import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from desk.keyring import open_keyring
from desk.settings import Settings

_NONCE = 12


class Unreadable(Exception):
    """What was sealed was changed, or sealed under another name or by another system."""


def cipher_of(settings: Settings) -> AESGCM:
    """The cipher of this system. Raises :class:`~desk.keyring.KeyringError`."""
    secret = open_keyring(settings.home.resolve(), extensions=(), logins=()).recordings_key
    # As many bits as AES wants; the secret itself is random and long.
    return AESGCM(hashlib.sha256(secret.encode()).digest())


def seal(cipher: AESGCM, data: bytes, name: str) -> bytes:
    """``data`` for the disk, under ``name``."""
    nonce = secrets.token_bytes(_NONCE)
    return nonce + cipher.encrypt(nonce, data, name.encode())


def unseal(cipher: AESGCM, sealed: bytes, name: str) -> bytes:
    """What was sealed under ``name``. Raises :class:`Unreadable`."""
    try:
        return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode())
    except (InvalidTag, ValueError) as e:
        raise Unreadable(name) from e
