from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from prompts.catalogue import Catalogue, CatalogueError, Kind, Spoken, UnknownPrompt
from prompts.speaking import CannotSay

CatalogueOf = Callable[..., Catalogue]

ENGLISH = '[welcome]\ngreeting = "Good morning."'

TEXTS = """
[welcome]
greeting = "Buongiorno."

[hours]
today = "Oggi {span:prompt}, poi chiuso."
morning = "aperti la mattina"
next = "Riapriremo {day:date_weekday}, {at:at_time}."
twice = "{n:number} e ancora {n:number}?"

[press]
1 = "prema uno."

[language.offer]
text = "For English, press {n:number}."
speak = "en"

[message]
play = "Ha detto: {voice:recording}"
"""


def test_keys_come_in_the_order_of_the_file(catalogue_of: CatalogueOf) -> None:
    catalogue = catalogue_of(it=TEXTS, en=ENGLISH)
    assert catalogue.languages == ("it", "en")
    assert catalogue.keys("it")[:3] == ("welcome.greeting", "hours.today", "hours.morning")
    assert "press.1" in catalogue.keys("it")
    assert "language.offer" in catalogue.keys("it")


def test_placeholders_have_kinds(catalogue_of: CatalogueOf) -> None:
    catalogue = catalogue_of(it=TEXTS, en=ENGLISH)
    assert catalogue.placeholders("it", "hours.next") == {"day": Kind.DATE_WEEKDAY, "at": Kind.AT_TIME}
    assert catalogue.placeholders("it", "welcome.greeting") == {}


def test_fixed_parts_and_punctuation_are_sounds(catalogue_of: CatalogueOf, tmp_path: Path) -> None:
    catalogue = catalogue_of(it=TEXTS, en=ENGLISH)
    values: dict[str, Spoken] = {"day": dt.date(2026, 4, 1), "at": dt.time(1)}
    assert catalogue.text("it", "hours.next", values) == "Riapriremo mercoledì primo aprile, all'una."
    folder = tmp_path / "sounds" / "it"
    assert catalogue.sounds("it", "hours.next", values) == tuple(
        str(folder / name)
        for name in (
            "hours.next-1",
            "weekday.2",
            "day.1",
            "month.4",
            "pause.short",
            "time.at_one",
            "pause.long",
        )
    )


def test_a_prompt_inside_a_prompt(catalogue_of: CatalogueOf, tmp_path: Path) -> None:
    catalogue = catalogue_of(it=TEXTS, en=ENGLISH)
    values = {"span": "hours.morning"}
    assert catalogue.text("it", "hours.today", values) == "Oggi aperti la mattina, poi chiuso."
    names = [Path(sound).name for sound in catalogue.sounds("it", "hours.today", values)]
    assert names == ["hours.today-1", "hours.morning", "pause.short", "hours.today-2"]


def test_a_value_may_be_said_twice(catalogue_of: CatalogueOf) -> None:
    assert catalogue_of(it=TEXTS, en=ENGLISH).text("it", "hours.twice", {"n": 2}) == "due e ancora due?"


def test_another_voice_also_says_the_values(catalogue_of: CatalogueOf, tmp_path: Path) -> None:
    catalogue = catalogue_of(it=TEXTS, en=ENGLISH)
    assert catalogue.text("it", "language.offer", {"n": 2}) == "For English, press two."
    sounds = catalogue.sounds("it", "language.offer", {"n": 2})
    assert sounds[0] == str(tmp_path / "sounds/it/language.offer-1")
    assert sounds[1] == str(tmp_path / "sounds/en/number.2")
    expected = {str(catalogue.path(sound)) for sound in catalogue.all_sounds()}
    assert set(sounds) <= expected
    [offer] = [sound for sound in catalogue.all_sounds() if sound.key == "language.offer-1"]
    assert (offer.language, offer.speak) == ("it", "en")


def test_a_language_may_lend_only_its_voice(catalogue_of: CatalogueOf, tmp_path: Path) -> None:
    catalogue = catalogue_of(it='a = { text = "Për shqip, shtypni tre.", speak = "sq" }')
    assert catalogue.sounds("it", "a") == (str(tmp_path / "sounds/it/a"),)
    assert catalogue.text("it", "a") == "Për shqip, shtypni tre."


def test_a_voice_whose_values_are_not_rendered_is_refused(catalogue_of: CatalogueOf) -> None:
    with pytest.raises(CatalogueError, match=r"language\.offer: nothing knows how to say values in en"):
        catalogue_of(it=TEXTS)


@pytest.mark.parametrize("given", ["said.wav", "said.wav16", "said"])
def test_a_recording_is_played_where_it_lies(catalogue_of: CatalogueOf, tmp_path: Path, given: str) -> None:
    catalogue = catalogue_of(it=TEXTS, en=ENGLISH)
    values = {"voice": tmp_path / given}
    assert catalogue.sounds("it", "message.play", values)[-1] == str(tmp_path / "said")
    assert catalogue.text("it", "message.play", values) == "Ha detto: [registrazione]"


def test_sounds_are_absolute(catalogue_of: CatalogueOf) -> None:
    [sound] = catalogue_of(it=TEXTS, en=ENGLISH).sounds("it", "press.1")
    assert Path(sound).is_absolute()


def test_unknown_keys_and_languages_are_told(catalogue_of: CatalogueOf) -> None:
    catalogue = catalogue_of(it='a = "b"')
    with pytest.raises(UnknownPrompt):
        catalogue.text("it", "nobody")
    with pytest.raises(UnknownPrompt):
        catalogue.text("xx", "a")


def test_a_missing_value_is_told(catalogue_of: CatalogueOf) -> None:
    with pytest.raises(CannotSay, match="needs a value for n"):
        catalogue_of(it='a = "{n:number}"').text("it", "a")


def test_a_prompt_with_values_cannot_be_said_inside_another(catalogue_of: CatalogueOf) -> None:
    catalogue = catalogue_of(it='a = "{p:prompt}"\nb = "{p:prompt}"')
    with pytest.raises(CannotSay):
        catalogue.text("it", "a", {"p": "b"})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('a = "{n:nummer}"', "nummer is not a kind"),
        ('a = "{n}"', "a placeholder is written"),
        ('a = "uno } due"', "cannot be spoken"),
        ('a = "<b>"', "cannot be spoken"),
        ('a = "vale{n:number}"', "leave a space before"),
        ('a = "{n:number}euro"', "leave a space after"),
        ('a = "{n:number} {n:code}"', "two kinds"),
        ('a = "  "', "a text is expected"),
        ("a = 3", "a text is expected"),
        ('[a]\ntext = "b"\nvoice = "en"', "only text and speak"),
        ('A = "b"', "keys are made of"),
        ('"a-1" = "b"', "keys are made of"),
        ('[number]\n1 = "uno"', "belongs to a spoken fragment"),
        ('[pause]\nshort = "uno"', "belongs to a spoken fragment"),
        ('a = { text = "{n:number}", speak = "ro" }', "nothing knows how to say values in ro"),
        ('a = "b"\na = "c"', "Cannot overwrite"),
    ],
)
def test_wrong_entries_are_refused_by_name(catalogue_of: CatalogueOf, text: str, complaint: str) -> None:
    with pytest.raises(CatalogueError, match=complaint) as caught:
        catalogue_of(it=text)
    assert "it.toml" in str(caught.value)


def test_all_wrong_entries_are_named_at_once(catalogue_of: CatalogueOf) -> None:
    with pytest.raises(CatalogueError) as caught:
        catalogue_of(it='a = "{"\nb = 3', en='c = ""')
    assert str(caught.value).count("\n") == 3


def test_a_language_needs_its_way_to_say_numbers(catalogue_of: CatalogueOf) -> None:
    with pytest.raises(CatalogueError, match=r"ro\.toml: nothing knows how to say numbers in ro"):
        catalogue_of(it='a = "b"', ro='a = "b"')


def test_no_texts_at_all(catalogue_of: CatalogueOf) -> None:
    with pytest.raises(CatalogueError, match="no texts"):
        catalogue_of()


def test_length_is_estimated_until_it_can_be_measured(catalogue_of: CatalogueOf) -> None:
    catalogue = catalogue_of(it='a = "Un testo di prova, né breve né lungo."\nb = "Un testo {n:number}."')
    assert 2 < catalogue.seconds("it", "a") < 4
    assert catalogue.seconds("it", "b") > 2
