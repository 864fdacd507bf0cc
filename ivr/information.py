"""Main menu 3: hours and address, and short answers to what citizens ask most; by SMS on request."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from enum import Enum, StrEnum, auto
from typing import Protocol, cast

from ivr.hours import opening_hours
from ivr.ports import Desk
from ivr.steps import Dialog, Option, Prompt, choose, prompt, say


class Topic(StrEnum):
    """What there is an answer to."""

    HOURS = "hours"
    IDENTITY_CARD = "identity_card"
    RESIDENCE = "residence"
    DECLARATIONS = "declarations"
    COPIES = "copies"
    DISMISSALS = "dismissals"


class CardValidity(StrEnum):
    """How long an identity card is valid that is issued today: which sentence says so."""

    FROM_70 = "from_70"
    BY_AGE = "by_age"


class InformationDesk(Protocol):
    """What the answers need to know, and the way to send them."""

    def card_validity(self) -> CardValidity | None:
        """What the law says today; ``None`` where nobody has put it into words yet."""

    def fee(self, topic: Topic) -> Decimal | None:
        """What it costs in euro, where the town has said so."""

    def may_text(self) -> bool:
        """Whether the calling number is a mobile one that agreed to receive messages."""

    def text(self, topic: Topic) -> bool:
        """Send the answer to the calling number, once in a call. ``False`` if that cannot be done now."""


class _After(Enum):
    TEXT = auto()
    AGAIN = auto()
    ENOUGH = auto()


#: The topics of the first menu and of the second one, with their keys.
_FIRST = (Topic.HOURS, Topic.IDENTITY_CARD, Topic.RESIDENCE)
_MORE = (Topic.DECLARATIONS, Topic.COPIES, Topic.DISMISSALS)


def information(desk: Desk) -> Dialog[None]:
    """One topic: told, told again, sent."""
    topic = yield from _choose_topic()
    while True:
        yield from _tell(desk, topic)
        after = yield from _what_now(desk)
        if after is _After.TEXT:
            sent = desk.information.text(topic)
            yield from say("information.sent", prompt("information.sent" if sent else "information.not_sent"))
        if after is not _After.AGAIN:
            return


def _choose_topic() -> Dialog[Topic]:
    more = Option(str(len(_FIRST) + 1), None, prompt("information.more"))
    options: list[Option[Topic] | Option[None]] = [*_options(_FIRST), more]
    topic: Topic | None = yield from choose("information", options=cast(list[Option[Topic | None]], options))
    if topic is not None:
        return topic
    return (yield from choose("information.topics", options=_options(_MORE)))


def _options(topics: tuple[Topic, ...]) -> list[Option[Topic]]:
    return [Option(str(key), topic, prompt(f"information.{topic}")) for key, topic in enumerate(topics, 1)]


def _tell(desk: Desk, topic: Topic) -> Dialog[None]:
    if topic is Topic.HOURS:
        yield from opening_hours(desk)
        yield from say("information.address", prompt("information.address"))
    else:
        yield from say("information.answer", *_answer(desk, topic))


def _answer(desk: Desk, topic: Topic) -> Iterator[Prompt]:
    yield prompt(f"answer.{topic}.first")
    validity = desk.information.card_validity() if topic is Topic.IDENTITY_CARD else None
    if validity is not None:
        yield prompt(f"answer.identity_card.valid.{validity}")
    yield prompt(f"answer.{topic}.second")
    fee = desk.information.fee(topic)
    if fee is not None:
        yield prompt("answer.fee", fee=fee)


def _what_now(desk: Desk) -> Dialog[_After]:
    options = [Option("2", _After.AGAIN, prompt("information.again"))]
    if desk.information.may_text():
        options.insert(0, Option("1", _After.TEXT, prompt("information.by_sms")))
    return (yield from choose("information.after", options=options, otherwise=Option("", _After.ENOUGH)))
