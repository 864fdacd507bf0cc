"""The language an operator reads the pages in: kept in the session, changed by ``?lang=`` on any page."""

from __future__ import annotations

from flask import request, session, url_for

from console.texts import Language

_KEPT = "language"


def language_of_visitor() -> Language:
    """Italian until the visitor switched."""
    return language_kept() or Language.ITALIAN


def language_kept() -> Language | None:
    """The language that the visitor switched to."""
    return _language(session.get(_KEPT))


def keep_language(language: Language) -> None:
    """The visitor reads this language from now on."""
    session[_KEPT] = language.value


def note_language_switch() -> None:
    """Before every request: remember the language asked for by the switch in the page head."""
    wanted = _language(request.args.get("lang"))
    if wanted:
        keep_language(wanted)


def other_language() -> Language:
    """The language the switch offers."""
    return other_than(language_of_visitor())


def other_than(language: Language) -> Language:
    """The other of the two languages."""
    return Language.ENGLISH if language is Language.ITALIAN else Language.ITALIAN


def other_language_url() -> str | None:
    """This page in the other language, or None where the page cannot be asked for again (forms, errors)."""
    if request.method != "GET" or request.endpoint is None:
        return None
    return url_for(
        request.endpoint, **(request.args.to_dict() | (request.view_args or {}) | {"lang": other_language()})
    )


def empty_session() -> None:
    """Forget everything about the visitor but the language."""
    language = session.get(_KEPT)
    session.clear()
    if language is not None:
        session[_KEPT] = language


def _language(code: str | None) -> Language | None:
    return next((language for language in Language if language == code), None)
