"""Whom somebody looks for in the register: the same fields and the same rule wherever it is asked."""

from __future__ import annotations

from console.form_reading import Form
from desk.find_citizens import PersonQuery

#: Spaces between the characters of a tax code included, and the longest name.
LONGEST_TAX_CODE, LONGEST_NAME = 32, 80


def person_asked(form: Form) -> PersonQuery:
    """Who is meant by the fields ``tax_code``, ``last_name``, ``first_name``, ``born`` and ``phone``."""
    names = (form.text(name, LONGEST_NAME, required=False) for name in ("last_name", "first_name"))
    return PersonQuery(
        tax_code=form.text("tax_code", LONGEST_TAX_CODE, required=False),
        name=" ".join(names).strip(),
        born=form.day_if_any("born"),
        phone=form.number("phone", required=False) or "",
    )
