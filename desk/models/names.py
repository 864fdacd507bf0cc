"""Names as they are compared: without capitals, accents and apostrophes."""

from __future__ import annotations

import unicodedata

from sqlalchemy import String

#: A folded name is compared letter by letter, whatever language the database sorts by: so the beginning of a
#: name is a range of its index.
FOLDED = String(170).with_variant(String(170, collation="C"), "postgresql")


def folded(*parts: str) -> str:
    """``dell acqua nicolo`` for "Dell'Acqua" and "Nicolò"; at most 170 characters."""
    plain = unicodedata.normalize("NFKD", " ".join(parts)).casefold()
    letters = "".join(
        letter if letter.isalnum() else "" if unicodedata.combining(letter) else " " for letter in plain
    )
    return " ".join(letters.split())[:170]
