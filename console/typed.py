"""What was typed into a form, as far as a database can keep it."""

from __future__ import annotations


def plain(text: str, longest: int) -> str:
    """``text`` without control characters but line ends and tabs, stripped, and cut to ``longest``."""
    return "".join(letter for letter in text if letter >= " " or letter in "\n\t").strip()[:longest]
