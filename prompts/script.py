"""The text for a human speaker, to be read in a studio (or a quiet office)."""

from __future__ import annotations

from prompts.catalogue import Catalogue, Sound


def script(catalogue: Catalogue, language: str) -> str:
    """Every sound of one language as ``file: text``, the sentences first, then the fragments.

    Raises ``KeyError`` for a language without texts.
    """
    if language not in catalogue.languages:
        raise KeyError(language)
    sounds = [sound for sound in catalogue.all_sounds() if sound.language == language and not sound.silence]
    fragments = catalogue.fragments(language)
    sentences = [sound for sound in sounds if sound.key not in fragments]
    pieces = [sound for sound in sounds if sound.key in fragments]
    return "\n".join(
        [
            f"# Prompts to record: {language}",
            "# One file for each line, WAV, any sample rate, named as on the left, into",
            f"# prompts/recorded/{language}/. Loudness and silence at the ends are put right by the program.",
            "",
            "## Sentences. A text that ends without punctuation goes on: keep the voice up.",
            *map(_line, sentences),
            "",
            "## Fragments of numbers, dates and times. Read them calmly, in the middle of a sentence.",
            *map(_line, pieces),
            "",
        ]
    )


def _line(sound: Sound) -> str:
    other_voice = f" [{sound.speak}]" if sound.speak != sound.language else ""
    return f"{sound.key}.wav{other_voice}: {sound.text}"
