"""The question after a talk: one key, or none."""

from __future__ import annotations

import pytest

from ivr.conversation import Outcome
from ivr.survey import survey
from tests.ivr.decided_talks import NotedAnswers
from tests.ivr.doubles import HANG_UP, SILENCE, converse


@pytest.mark.parametrize(
    ("keys", "solved"),
    [("1", [True]), ("2", [False]), (SILENCE, []), ("0", []), ("77", []), ("71", [True])],
)
def test_one_key_or_none(keys: str, solved: list[bool]) -> None:
    answers = NotedAnswers()
    ending, line, _ = converse(survey(answers), list(keys))
    assert answers.solved == solved
    assert ending.outcome is Outcome.DONE
    assert line.heard[-1] == "survey.thanks"


def test_a_caller_who_hangs_up_says_nothing() -> None:
    answers = NotedAnswers()
    ending, _, _ = converse(survey(answers), [HANG_UP])
    assert ending.outcome is Outcome.HUNG_UP
    assert answers.solved == []
