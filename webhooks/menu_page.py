"""The menus and hours to be read: a public page for who cannot hear them on the telephone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from call_routing.hours import OpeningHours
from console.language import language_kept, other_than
from console.texts import Language, Texts
from desk.db import Sessions, reading
from desk.offer import read_offer
from desk.settings import ROME
from desk.town import Town, read_town
from ivr.hours import WEEKDAYS
from ivr.tree import Choice, Kind, Node
from prompts.catalogue import Catalogue
from prompts.own_words import Words
from webhooks.town_menu import option, sayable_offer, sentence, town_tree

#: Days of which the hours are shown.
DAYS = 7


def menu_page(
    database: Sessions,
    words: Words,
    texts: Texts,
    *,
    number: str,
    email: str,
    clock: Callable[[], datetime],
) -> Callable[[], ResponseReturnValue]:
    """The view of ``/menu``. ``number`` is the one citizens dial, ``email`` where they may write.

    ``words`` are the sentences as the town has them said.
    """

    def menu() -> ResponseReturnValue:
        language = _language()
        now, catalogue = clock(), words.now()
        with reading(database) as db:
            town, offer = read_town(db), read_offer(db, now)
        hours = OpeningHours.of(town)
        return render_template(
            "menu.html",
            language=language,
            other_language=other_than(language),
            other_language_url=url_for("menu", lang=other_than(language)),
            t=lambda key, **values: texts.say(language, key, **values),
            number=number,
            email=email,
            open_now=hours.is_open(now),
            closes_at=hours.closes_at(now),
            next_opening=hours.next_opening(now),
            days=_days(hours, town, catalogue, now, language),
            nodes=[_shown(node, catalogue, language) for node in town_tree(sayable_offer(offer, catalogue))],
        )

    return menu


def _language() -> Language:
    """As the visitor switched, else as the browser prefers."""
    preferred = request.accept_languages.best_match([language.value for language in Language])
    return language_kept() or Language(preferred or Language.ITALIAN)


def _days(
    hours: OpeningHours, town: Town, catalogue: Catalogue, now: datetime, language: Language
) -> list[dict[str, Any]]:
    today = now.astimezone(ROME).date()
    reasons = {
        closure.day: closure.reason_en if language is Language.ENGLISH else closure.reason_it
        for closure in town.closures
    }
    days = (today + timedelta(days=ahead) for ahead in range(DAYS))
    return [
        {
            "day": day,
            "weekday": catalogue.text(language, f"hours.{WEEKDAYS[day.weekday()]}"),
            "spans": hours.told(day),
            "reason": reasons.get(day, ""),
        }
        for day in days
    ]


def _shown(node: Node, catalogue: Catalogue, language: str) -> dict[str, Any]:
    return {
        "node": node.node,
        "kind": node.kind.value,
        "is_menu": node.kind is Kind.MENU,
        "text": sentence(catalogue, language, node),
        "again": node.again,
        "choices": [_choice(choice, catalogue, language) for choice in node.choices],
    }


def _choice(choice: Choice, catalogue: Catalogue, language: str) -> dict[str, Any]:
    return {
        "key": choice.key,
        "text": option(catalogue, language, choice),
        "then": [_shown(node, catalogue, language) for node in choice.then],
    }
