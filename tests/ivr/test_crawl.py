"""Every path of every dialog: each ends, says only what the catalogue has, and visits every node."""

from __future__ import annotations

from typing import Any

import pytest

from ivr.conversation import menu_prompts
from ivr.message import unanswered
from ivr.override import override
from ivr.paused import paused
from ivr.rules import LEVELS, OPTIONS, SECONDS
from ivr.steps import Ask, Menu
from ivr.survey import survey
from ivr.switchboard import LANGUAGE, switchboard
from ivr.voice_notice import voice_notice
from ivr.waiting import waiting
from ivr.walk import Walked, World, nodes_in_source, walk
from prompts.catalogue import Catalogue, load_catalogue
from tests.ivr.decided_override import DecidedOverride
from tests.ivr.decided_talks import NotedAnswers
from tests.ivr.decided_voice_notices import DecidedNotice
from tests.ivr.doubles import DecidedDesk

#: What a caller types where digits are asked: the crawl needs one input that makes sense for each.
TYPED = {
    "identify.birth_date": "15031980",
    "identify.tax_code": "7776722801033205",
    "find.reference": "12345674",
    "find.last_digits": "2201",
    "appointments.reference": "12345674",
    "appointments.last_digits": "2201",
    "rooms.people": "40",
    "rooms.day": "12012027",
    "override.pin": "123456",
    "override.clock": "1230",
    "call_back.number": "0290901234",
}


class OnDuty:
    """:class:`ivr.paused.Duty` of nobody."""

    def take_calls(self) -> None:
        pass


DIALOGS: dict[str, World] = {
    "switchboard": lambda pick: switchboard(DecidedDesk(pick)),
    "unanswered": lambda pick: unanswered(DecidedDesk(pick)),
    "override": lambda pick: override(DecidedOverride(pick)),
    "waiting": lambda pick: waiting(DecidedDesk(pick)),
    "paused": lambda pick: paused(OnDuty()),
    "survey": lambda pick: survey(NotedAnswers()),
    "voice_notice": lambda pick: voice_notice(DecidedNotice(pick)),
}
#: Texts that the dialplan, the loop and menus say.
ELSEWHERE = {"press", "fallback", "again", "pause", "called_back"}


def _typed(step: Ask[Any]) -> object:
    parsed = step.parse(TYPED[step.node])
    assert parsed is not None, step.node
    return parsed


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return load_catalogue(tmp_path_factory.mktemp("sounds"))


@pytest.fixture(scope="module")
def crawled() -> dict[str, Walked]:
    return {name: walk(world, _typed) for name, world in DIALOGS.items()}


def test_every_path_ends(crawled: dict[str, Walked]) -> None:
    assert {name: met.ends for name, met in crawled.items()} == {
        "switchboard": {"done", "transfer", "hung up", "as before"},
        "override": {"done", "hung up", "as before"},
        "unanswered": {"done", "hung up", "as before"},
        "paused": {"done", "hung up"},
        "survey": {"done", "hung up", "as before"},
        "voice_notice": {"done", "hung up", "as before"},
        "waiting": {"done", "transfer", "hung up", "as before"},
    }


def test_every_prompt_can_be_said_in_every_language(crawled: dict[str, Walked], catalogue: Catalogue) -> None:
    spoken = {prompt for met in crawled.values() for prompt in met.spoken}
    assert len(spoken) > 60
    for prompt in spoken:
        for language in catalogue.languages:
            assert catalogue.sounds(language, prompt.key, dict(prompt.values))


def test_every_text_of_the_dialogs_is_used(crawled: dict[str, Walked], catalogue: Catalogue) -> None:
    spoken = {prompt.key for met in crawled.values() for prompt in met.spoken}
    unused = {key for key in catalogue.keys("it") if key not in spoken and key.split(".")[0] not in ELSEWHERE}
    # The week of the test's desk has no opening at the weekend; the dialplan says the last one.
    assert unused == {"hours.saturday", "hours.sunday", "voice_notice.broken"}


def test_every_node_in_the_source_is_visited(crawled: dict[str, Walked]) -> None:
    assert set().union(*(met.nodes for met in crawled.values())) == nodes_in_source()


def test_zero_reaches_a_person_from_every_menu(crawled: dict[str, Walked]) -> None:
    assert crawled["switchboard"].no_person == set()
    # Whoever opens and closes the desk is such a person.
    assert crawled["override"].no_person == {"override.what", "override.until"}


def test_menus_are_short_and_shallow(crawled: dict[str, Walked], catalogue: Catalogue) -> None:
    assert max(crawled["switchboard"].levels.values()) == LEVELS
    for menu in {step for met in crawled.values() for step in met.steps if isinstance(step, Menu)}:
        keys = [option.key for option in menu.options]
        assert len(keys) == len(set(keys)), menu.node
        assert len(set(keys) - {"0", LANGUAGE}) <= OPTIONS, menu.node
        assert not set(keys) & {"*", "#"}, menu.node
        for language in catalogue.languages:
            seconds = sum(catalogue.seconds(language, prompt.key) for prompt in menu_prompts(menu))
            assert seconds <= SECONDS, (menu.node, language, seconds)
