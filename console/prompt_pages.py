"""What the telephone says: listening to each sentence, the town's own words, and recordings by a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path

from flask import Blueprint, abort, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from console.changing import ChangingPages, found, saved
from console.form_reading import Form
from console.language import language_of_visitor
from console.named_by_town import lacking_names, names_something
from console.routes import add_page
from console.texts import Texts
from desk.db import Sessions, reading, transaction
from desk.permissions import Permission
from desk.prompt_texts import note_recording, own_texts, reword, take_back
from desk.settings import Settings
from ivr.uses import nodes_of
from prompts.catalogue import (
    Catalogue,
    Prompt,
    Sound,
    UnknownPrompt,
    in_own_words,
    load_catalogue,
    unwritten,
)
from prompts.checking import LONGEST
from prompts.files import open_folder, write_whole
from prompts.own_words import Words, ask_anew, recording
from prompts.rendering import RECORDED, voice_of
from prompts.town_names import is_name

#: Sentences on a page of the list.
_PAGE = 40
#: The longest text, in characters: twenty seconds are about 280.
_LONGEST_TEXT = 600
#: The largest recording: a minute of stereo at 44 100 Hz.
_LARGEST = 12 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """One sound of a sentence."""

    sound: Sound
    there: bool
    #: ``town`` or ``program`` for a recording of a person, else the voice; empty where it is not made yet.
    by: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """A sentence in one language."""

    language: str
    text: str
    #: The text that came with the program.
    usual: str
    own: bool
    #: The town's text is written but its sound is not made yet.
    waits: bool
    parts: Sequence[Part]


class PromptPages(ChangingPages):
    """The pages of the prompts."""

    def __init__(
        self,
        sessions: Sessions,
        texts: Texts,
        settings: Settings,
        words: Words,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(sessions, texts, clock=clock)
        self._settings = settings
        self._words = words
        self._usual = load_catalogue(settings.sounds)

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the pages."""
        one = "/prompts/<key>/<language>"
        for path, name, view, method in (
            ("/prompts", "prompts", self.prompts, "GET"),
            ("/prompts/<key>", "prompt", self.prompt, "GET"),
            (one, "change_prompt", self.change, "POST"),
            (f"{one}/sound.wav", "prompt_sound", self.sound, "GET"),
            (f"{one}/recording", "record_prompt", self.record, "POST"),
        ):
            add_page(blueprint, path, name, view, Permission.MANAGE_TEXTS, methods=[method])
        # Before anything reads the form, the check of its token included.
        blueprint.app_url_value_preprocessor(_let_recordings_in)

    def prompts(self) -> ResponseReturnValue:
        """The list, with a search in keys and texts."""
        words = request.args.get("q", "").casefold().split()
        page = max(request.args.get("page", 1, type=int), 1)
        catalogue = self._words.now()
        with reading(self._sessions) as db:
            own, lacking = own_texts(db), lacking_names(db, catalogue)
        languages = catalogue.languages
        # What somebody has to write comes first.
        known = [*lacking, *(key for key in catalogue.keys(languages[0]) if key not in lacking)]
        matching = [
            key
            for key in known
            if all(any(word in each for each in (key, *_written(catalogue, key))) for word in words)
        ]
        shown = matching[(page - 1) * _PAGE : page * _PAGE]
        return render_template(
            "prompts.html",
            rows=[
                (
                    key,
                    [(each, _template(catalogue, each, key)) for each in languages],
                    any(key in own.get(each, {}) for each in languages),
                    any(self._recorded(part) for each in languages for part in _sounds(catalogue, each, key)),
                )
                for key in shown
            ],
            query=request.args.get("q", ""),
            lacking=lacking,
            count=len(matching),
            previous=page - 1 if page > 1 else None,
            next=page + 1 if page * _PAGE < len(matching) else None,
        )

    def prompt(self, key: str) -> ResponseReturnValue:
        """One sentence in all languages."""
        return self._page(key)

    def change(self, key: str, language: str) -> ResponseReturnValue:
        """Other words, or those of the program again."""
        usual = self._known(key, language)
        if request.form.get("do") == "usual":
            with transaction(self._sessions) as db:
                take_back(db, language, key, **self._by())
            return saved(url_for("console.prompt", key=key), "prompts.saved")
        form = self._form()
        text = form.text("text", _LONGEST_TEXT)
        if not form.errors:
            self._check(form, usual, language, text)
        if form.errors:
            return self._page(key, form, language)
        with transaction(self._sessions) as db:
            if text == _plain(usual.template):
                take_back(db, language, key, **self._by())
            else:
                reword(db, language, key, text, **self._by())
        return saved(url_for("console.prompt", key=key), "prompts.saved")

    def sound(self, key: str, language: str) -> ResponseReturnValue:
        """A sound as callers hear it; ``part`` in the address is its key."""
        self._known(key, language)
        part = self._part(key, language, request.args.get("part", key))
        file = self._file(part)
        if not file.is_file():
            abort(404)
        return send_file(file, mimetype="audio/wav", conditional=True)

    def record(self, key: str, language: str) -> ResponseReturnValue:
        """A recording by a person takes the place of the voice, or is removed; or the voice says it again."""
        self._known(key, language)
        part = self._part(key, language, request.form.get("part", key))
        if request.form.get("do") == "anew":
            ask_anew(self._settings.home, language, part.key)
            return saved(url_for("console.prompt", key=key), "prompts.asked_anew")
        target = recording(self._settings.home, language, part.key)
        if request.form.get("do") == "remove":
            there = False
            if not target.is_file():
                abort(404)
            target.unlink()
        else:
            there = True
            data = request.files["sound"].read() if "sound" in request.files else b""
            form = self._form()
            problem = _unusable(data)
            if problem:
                form.wrong("sound", problem, seconds=int(LONGEST))
                return self._page(key, form, language)
            open_folder(target.parent)
            write_whole(target, data)
        with transaction(self._sessions) as db:
            note_recording(db, language, part.key, there=there, **self._by())
        return saved(url_for("console.prompt", key=key), "prompts.saved")

    def _page(self, key: str, form: Form | None = None, at: str = "") -> ResponseReturnValue:
        self._known(key, self._usual.languages[0])
        with reading(self._sessions) as db:
            own = own_texts(db)
        page = render_template(
            "prompt.html",
            key=key,
            spoken=[self._spoken(key, each, own.get(each, {}).get(key)) for each in self._usual.languages],
            nodes=[self._texts.label(language_of_visitor(), "node", node) for node in sorted(nodes_of(key))],
            named=is_name(key),
            form=form,
            at=at,
        )
        return page, HTTPStatus.BAD_REQUEST if form else HTTPStatus.OK

    def _spoken(self, key: str, language: str, own: str | None) -> Spoken:
        # Numeric libraries: only where a voice is looked for.
        from prompts.engines import choose_engines

        catalogue = self._words.now()
        engines, cache = choose_engines(self._settings.voice), self._settings.home.resolve() / "prompt-cache"
        parts = []
        for sound in _sounds(catalogue, language, key):
            by = self._recorded(sound) or voice_of(sound, catalogue, engines, cache) or ""
            parts.append(Part(sound, self._file(sound).is_file(), by))
        usual = _plain(_template(self._usual, language, key))
        now = _plain(_template(catalogue, language, key))
        return Spoken(language, own or usual, usual, own is not None, (own or usual) != now, parts)

    def _check(self, form: Form, usual: Prompt, language: str, text: str) -> None:
        try:
            in_own_words(usual, language, text)
        except ValueError:
            names = " ".join(f"{{{name}:{kind}}}" for name, kind in usual.placeholders.items())
            form.wrong("text", "prompts.does_not_fit", placeholders=names or "–")
            return
        own = {language: {usual.key: text}}
        # Estimated from the letters: it has no sound yet.
        longer = load_catalogue(Path("/nowhere"), own=own).seconds(language, usual.key)
        if longer > LONGEST:
            form.wrong("text", "prompts.too_long", seconds=round(longer), most=int(LONGEST))

    def _known(self, key: str, language: str) -> Prompt:
        """The sentence that came with the program, or an empty one for the name of a thing of the town's."""
        if language not in self._usual.languages:
            abort(404)
        try:
            return self._usual.prompt(language, key)
        except UnknownPrompt:
            with reading(self._sessions) as db:
                if not names_something(db, key):
                    abort(404)
            return unwritten(key, language)

    def _part(self, key: str, language: str, wanted: str) -> Sound:
        sounds = _sounds(self._words.now(), language, key)
        return found(next((sound for sound in sounds if sound.key == wanted), None))

    def _recorded(self, sound: Sound) -> str | None:
        if recording(self._settings.home, sound.language, sound.key).is_file():
            return "town"
        return "program" if (RECORDED / sound.language / f"{sound.key}.wav").is_file() else None

    def _file(self, sound: Sound) -> Path:
        folder = self._settings.sounds.resolve() / sound.language
        return folder / f"{sound.key}.wav"


def _written(catalogue: Catalogue, key: str) -> Iterator[str]:
    return (_template(catalogue, language, key).casefold() for language in catalogue.languages)


def _template(catalogue: Catalogue, language: str, key: str) -> str:
    """The sentence as it is written; empty where nobody has written it."""
    return catalogue.prompt(language, key).template if catalogue.has(language, key) else ""


def _plain(text: str) -> str:
    return " ".join(text.split())


def _sounds(catalogue: Catalogue, language: str, key: str) -> list[Sound]:
    """The sounds that are the sentence's own: what lies between its values."""
    return catalogue.sounds_of(language, key) if catalogue.has(language, key) else []


def _unusable(data: bytes) -> str | None:
    """Why a recording cannot be used; the key of a text."""
    from prompts import levelling

    if not data:
        return "prompts.no_file"
    if data[:4] != b"RIFF":
        return "prompts.not_wav"
    try:
        audio = levelling.decode(data)
        levelling.level(audio, 8000, tail=0.0)
    except levelling.NotAudio:
        return "prompts.not_a_sound"
    if len(audio.samples) / audio.rate > LONGEST + 10:
        return "prompts.recording_too_long"
    # A telephone has 8000 Hz; less would sound as through a wall.
    return "prompts.too_few_hertz" if audio.rate < 8000 else None


def _let_recordings_in(endpoint: str | None, _values: object) -> None:
    if endpoint == "console.record_prompt":
        request.max_content_length = _LARGEST
