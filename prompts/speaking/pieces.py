"""The smallest unit that is spoken: one sound file and the words it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


class CannotSay(ValueError):
    """There are no words for this value."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One fragment of speech."""

    #: Names the sound file; dotted like a prompt key.
    key: str
    #: The words, as they are written at this place of a sentence.
    text: str
    #: Written together with the piece before it ("cento" + "ottanta", or a comma).
    glued: bool = False


SHORT_PAUSE = Piece("pause.short", ",", glued=True)
LONG_PAUSE = Piece("pause.long", ".", glued=True)
#: Between the digits of a code, which is written down while it is heard.
DIGIT_PAUSE = Piece("pause.digit", "", glued=True)
#: Between groups of digits, so that a listener can write along.
GROUP_PAUSE = Piece("pause.group", ",", glued=True)

#: Silence is a sound file too: key to its length in seconds.
PAUSES: Mapping[str, float] = MappingProxyType(
    {"pause.digit": 0.12, "pause.short": 0.2, "pause.group": 0.4, "pause.long": 0.35}
)


def groups_of(characters: str, longest: int = 4) -> list[str]:
    """Splits a code into equal groups that a listener can hold: 8 digits give 4 + 4, 10 give 4 + 3 + 3.

    Returns the groups in order; no group has more than ``longest`` characters.
    """
    count = -(-len(characters) // longest)
    groups = []
    for left in range(count, 0, -1):
        size = -(-len(characters) // left)
        groups.append(characters[:size])
        characters = characters[size:]
    return groups
