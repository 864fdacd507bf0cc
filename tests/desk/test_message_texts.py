"""The texts of messages: plain GSM-7, few parts, the same in both languages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.sms.checking import check, proposal
from desk.sms.templates import GSM_7, SINGLE, TemplateError, languages, segments, templates

#: What is answered or confirmed goes in one part; the rest may take two.
_ONE_PART = ("reply_", "certificate_receipt", "appointment_booked", "appointment_moved", "payment_")


def test_the_texts_have_no_problem() -> None:
    lengths, problems = check()
    assert problems == []
    assert {length.language for length in lengths} == languages() == {"it", "en"}
    longer = {length.name for length in lengths if length.parts > 1}
    assert not [name for name in longer if name.startswith(_ONE_PART)]


def write(folder: Path, **files: Mapping[str, Mapping[str, object]]) -> Path:
    for language, entries in files.items():
        lines = []
        for name, entry in entries.items():
            lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in entry.items())]
        (folder / f"{language}.toml").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"version": 1, "text": "È pronto"}, "'È' is not in GSM-7"),
        ({"version": 1, "text": "È pronto"}, 'write "E'),
        ({"version": 1, "text": "l’ufficio"}, 'write "\'"'),
        ({"version": 1, "text": "9–12"}, "write '-'"),
        ({"version": 1, "text": "Łódź"}, "'Ł' is not in GSM-7 and makes parts of 70 characters"),
        ({"version": 1, "text": "10 €"}, "write 'euro'"),
        ({"version": 1, "text": "x" * 307}, "goes in 3 parts"),
        ({"version": 1, "text": "{hours}" * 4}, "goes in 4 parts"),
        ({"version": 1, "text": "{ref:>8}"}, "no plain placeholder"),
        ({"version": 1, "text": "{}"}, "no plain placeholder"),
        ({"version": 1, "text": "{ref"}, "braces are wrong"),
        ({"version": 0, "text": "x"}, "needs a version"),
        ({"text": "x"}, "needs a version"),
        ({"version": 1}, "has no text"),
        ({"version": 1, "text": "x", "purpose": "fun"}, "purpose is one of"),
        ({"version": 1, "text": "x", "at_one": True}, "at_one means nothing here"),
    ],
)
def test_each_problem_is_named_with_a_remedy(
    tmp_path: Path, entry: Mapping[str, object], reason: str
) -> None:
    _, problems = check(write(tmp_path, it={"a": entry}, en={"a": entry}))
    assert {problem.language for problem in problems} == {"it", "en"}
    assert any(reason in problem.reason for problem in problems), problems


def test_the_languages_must_agree(tmp_path: Path) -> None:
    text: dict[str, object] = {"version": 1, "text": "{ref}"}
    _, problems = check(
        write(
            tmp_path,
            it={"a": text, "b": text, "c": text},
            en={"a": {**text, "text": "{day}"}, "c": {**text, "at_once": False}},
        )
    )
    assert {(problem.name, problem.reason) for problem in problems} == {
        ("a", "has other placeholders than in 'en'"),
        ("b", "is missing"),
        ("c", "at_once is another one than in 'en'"),
    }


@given(st.characters())
def test_a_proposal_can_be_sent(character: str) -> None:
    assert set(proposal(character)) <= GSM_7


def test_values_must_be_complete_and_in_the_alphabet() -> None:
    template = templates("it")["certificate_receipt"]
    whole = {"ref": "12345678", "day": "31/12/2026"}
    for values in ({"ref": "1"}, {**whole, "more": "x"}, {**whole, "day": "“oggi”"}, {**whole, "day": "È"}):
        with pytest.raises(TemplateError):
            template.fill(values)


def test_the_length_of_parts() -> None:
    assert [segments("x" * n) for n in (SINGLE, SINGLE + 1, 306, 307)] == [1, 2, 2, 3]
