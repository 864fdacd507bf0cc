"""Citizens of the demo town, as they type on their keypads."""

from __future__ import annotations

from dataclasses import dataclass

from desk.citizens import keypad_pattern


@dataclass(frozen=True, slots=True)
class Person:
    tax_code: str
    #: Her birth date as she types it.
    born: str

    @property
    def tax_code_keys(self) -> str:
        return keypad_pattern(self.tax_code)


GIULIA = Person("CLMGLI80C55F205N", "15031980")
LUCA = Person("BRMLCU65A30L411N", "30011965")

#: Keys that lead from the welcome to the identification: certificates, birth, about the caller.
BIRTH_FOR_SELF = "1111"
#: One copy, at the counter, no SMS.
ONE_COPY_NO_SMS = "112"
CONFIRM = "1"
