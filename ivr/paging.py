"""A menu of things that a town may have any number of."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ivr.steps import Dialog, Option, Prompt, choose

#: Things on one page; the last key leads to the next page where there is one.
MENU = 4


def choose_in_pages(
    node: str, codes: Sequence[str], *, said: Callable[[str], Prompt], others: Prompt
) -> Dialog[str]:
    """One of ``codes``; ``others`` offers the next page."""
    rest = list(codes)
    while True:
        fit = len(rest) <= MENU
        page, rest = (rest, []) if fit else (rest[: MENU - 1], rest[MENU - 1 :])
        options: list[Option[str | None]] = [
            Option(str(key), code, said(code)) for key, code in enumerate(page, 1)
        ]
        if not fit:
            options.append(Option(str(MENU), None, others))
        code = yield from choose(node, options=options)
        if code is not None:
            return code
