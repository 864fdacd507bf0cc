"""Telephone numbers in E.164, the one form in which they are stored and compared."""

from __future__ import annotations

import re

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

_FORM = re.compile(r"[+0-9 ()./-]+", re.ASCII)


def to_e164(raw: str | None, *, region: str = "IT") -> str | None:
    """``raw`` as E.164, or ``None`` for a withheld number and for what is no number.

    National forms are read as of ``region``: "02 9091234", "333 1234567", "0039 333 1234567".
    """
    # The library also reads letters ("0800 FLOWERS"), which no exchange sends.
    if not raw or not _FORM.fullmatch(raw):
        return None
    try:
        number = phonenumbers.parse(raw, region)
    except NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def is_mobile(e164: str) -> bool:
    """Whether the number can be texted, by its numbering plan."""
    kinds = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
    try:
        return phonenumbers.number_type(phonenumbers.parse(e164)) in kinds
    except NumberParseException:
        return False


def national(e164: str) -> str:
    """The number as it is dialled within its country: "02 0000 0100"."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(e164), PhoneNumberFormat.NATIONAL)
    except NumberParseException:
        return e164
