from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from prompts.catalogue import Catalogue, load_catalogue
from prompts.checking import check, missing_sounds
from prompts.progress import show_progress
from prompts.script import script

CatalogueOf = Callable[..., Catalogue]


def complaints(catalogue: Catalogue, recorded: Path) -> list[str]:
    """What ``check`` says about the texts; that nothing was rendered yet is known."""
    return [str(problem) for problem in check(catalogue, recorded=recorded) if "render" not in problem.reason]


def test_the_texts_of_the_town(tmp_path: Path) -> None:
    """Both languages say the same things, with the same values, each within 20 seconds."""
    catalogue = load_catalogue(tmp_path / "sounds")
    assert catalogue.languages == ("it", "en")
    assert complaints(catalogue, tmp_path / "recorded") == []
    for key in ("fallback.sorry", "fallback.leave_message", "fallback.recorded"):
        # The dialplan plays these without asking us: one sound each.
        assert catalogue.sounds("it", key) == (str(tmp_path / "sounds/it" / key),)


def test_a_text_missing_in_one_language(catalogue_of: CatalogueOf, tmp_path: Path) -> None:
    catalogue = catalogue_of(it='a = "b"\nonly = "qui"', en='a = "b"\nhere = "x"')
    assert complaints(catalogue, tmp_path / "recorded") == [
        "en/only: missing, but it has it",
        "it/here: missing, but en has it",
    ]


def test_other_placeholders(catalogue_of: CatalogueOf, tmp_path: Path) -> None:
    catalogue = catalogue_of(
        it='a = "{n:number}"\nb = "{n:number} {c:code}"', en='a = "{n:code}"\nb = "{c:code} {n:number}"'
    )
    assert complaints(catalogue, tmp_path / "recorded") == ["en/a: other placeholders than in it"]


def test_a_long_text(catalogue_of: CatalogueOf, tmp_path: Path) -> None:
    catalogue = catalogue_of(it=f'a = "{"parola " * 50}"')
    [complaint] = complaints(catalogue, tmp_path / "recorded")
    assert "it/a: 25 s long; at most 20 s" in complaint


def test_recordings_that_nobody_hears(catalogue_of: CatalogueOf, tmp_path: Path) -> None:
    folder = tmp_path / "recorded" / "it"
    folder.mkdir(parents=True)
    for name in ("a.wav", "number.1.wav", "a-1.wav", "tipo.wav", "a.mp3"):
        (folder / name).touch()
    found = complaints(catalogue_of(it='a = "b"'), tmp_path / "recorded")
    assert found == [
        f"it/{name}: a recording that no prompt uses" for name in ("a-1.wav", "a.mp3", "tipo.wav")
    ]


def test_missing_sounds_are_counted_by_language(catalogue_of: CatalogueOf) -> None:
    catalogue = catalogue_of(it='a = "b"', en='a = "b"')
    problems = check(catalogue)
    assert [(problem.language, problem.key) for problem in problems] == [("it", "a.wav"), ("en", "a.wav")]
    italian = 2 * sum(sound.language == "it" for sound in catalogue.all_sounds())
    assert f"{italian - 1} more" in problems[0].reason


def test_missing_sounds_knows_both_rates(catalogue_of: CatalogueOf) -> None:
    catalogue = catalogue_of(it='a = "b"')
    files = missing_sounds(catalogue)
    folder = catalogue.sounds_folder / "it"
    assert {folder / "a.wav", folder / "a.wav16", folder / "number.999.wav"} & set(files) == {
        folder / "a.wav",
        folder / "a.wav16",
    }
    assert folder / "pause.group.wav" in files


def test_the_script_names_every_file(catalogue_of: CatalogueOf) -> None:
    catalogue = catalogue_of(
        it='a = "Riapriremo {day:date}."\noffer = { text = "Press two.", speak = "en" }',
        en='a = "b"\noffer = "c"',
    )
    lines = script(catalogue, "it").splitlines()
    assert "a-1.wav: Riapriremo" in lines
    assert "offer.wav [en]: Press two." in lines
    assert "number.21.wav: ventuno" in lines
    assert lines.index("offer.wav [en]: Press two.") < lines.index("number.21.wav: ventuno")
    assert not any(line.startswith("pause.") for line in lines)
    with pytest.raises(KeyError):
        script(catalogue, "xx")


def test_progress_in_a_log_is_a_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with show_progress() as tell:
        for done in range(1, 701):
            tell(done, 700)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"Prompts: {done} of 700" for done in (175, 350, 525, 700)]
