"""Being called back: what the caller hears and what is filed."""

from __future__ import annotations

from ivr.call_back import offer_call_back, recall_pending
from ivr.steps import Dialog, prompt
from tests.ivr.decided_call_backs import DecidedCallBacks
from tests.ivr.doubles import DecidedDesk, converse

WHY = prompt("person.closed")


class _Desk(DecidedDesk):
    """A desk with one answer changed."""

    def __init__(self, **answers: object) -> None:
        super().__init__()
        self.call_backs = DecidedCallBacks(
            lambda question, known: answers.get(question.replace(" ", "_").replace("-", "_"), known[0])
        )


def _offered(desk: DecidedDesk, keys: list[str]) -> tuple[bool, list[str]]:
    return _asked(offer_call_back(desk, WHY), keys)


def _asked(asking: Dialog[bool], keys: list[str]) -> tuple[bool, list[str]]:
    results: list[bool] = []

    def dialog() -> Dialog[None]:
        results.append((yield from asking))

    _, line, _ = converse(dialog(), keys)
    return results[0], line.heard


def test_the_calling_number_takes_one_key() -> None:
    desk = DecidedDesk()
    filed, heard = _offered(desk, ["1"])
    assert filed
    assert desk.call_backs.filed == ["+393331234567"]
    assert heard[0] == WHY.key
    assert heard[-2:] == ["call_back.filed.now", "call_back.filed.goodbye"]


def test_another_number_is_read_back_and_can_be_typed_again() -> None:
    desk = DecidedDesk()
    filed, heard = _offered(desk, ["2", *"0290901235#", "2", *"0290901234#", "1"])
    assert filed
    assert desk.call_backs.filed == ["+390290901234"]
    assert heard.count("call_back.check.intro") == 2


def test_whoever_shows_no_number_types_one() -> None:
    desk = _Desk(number_to_call_back=None)
    filed, heard = _offered(desk, ["2", *"0290901234#", "1"])
    assert filed
    assert "call_back.offer.this" not in heard


def test_no_thanks_silence_0_and_failing_all_go_on_as_before() -> None:
    for keys in (["3"], ["-"], ["0"], ["7", "7"], ["2", "1", "#", "1", "#"]):
        desk = DecidedDesk()
        assert not _offered(desk, keys)[0], keys
        assert desk.call_backs.filed == []


def test_a_number_beyond_its_limit_is_told_so() -> None:
    filed, heard = _offered(_Desk(call_back=False), ["1"])
    assert not filed
    assert heard[-1] == "call_back.refused"


def test_nothing_is_asked_where_none_may_be_offered() -> None:
    assert _offered(_Desk(may_offer_a_call_back=False), []) == (False, [WHY.key])


def test_a_pending_one_can_be_kept_or_cancelled() -> None:
    for key, kept, cancelled in (("1", True, 0), ("2", False, 0), ("3", False, 1), ("0", False, 0)):
        desk = _Desk(pending_call_back=True)
        assert _asked(recall_pending(desk), [key])[0] is kept
        assert desk.call_backs.cancelled == cancelled
        assert desk.call_backs.filed == []
