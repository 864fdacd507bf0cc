"""The texts of the SMS: reading them, trying others out, and letting a new version count."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue

from console.changing import ChangingPages, saved
from console.form_reading import Form
from console.routes import add_page
from desk.db import reading, transaction
from desk.message_texts import Looked, look_at, write_text
from desk.permissions import Permission
from desk.sms.checking import MOST_PARTS
from desk.sms.own_texts import own_text, template_of, versions
from desk.sms.templates import languages, templates

#: Two messages that are joined.
_LONGEST = 306


class MessagePages(ChangingPages):
    """The pages of the texts of messages."""

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the pages."""
        for path, name, view, method in (
            ("/messages", "messages", self.messages, "GET"),
            ("/messages/<template>", "message", self.message, "GET"),
            ("/messages/<template>/<language>", "change_message", self.change, "POST"),
        ):
            add_page(blueprint, path, name, view, Permission.MANAGE_TEXTS, methods=[method])

    def messages(self) -> ResponseReturnValue:
        """All texts with their lengths."""
        with reading(self._sessions) as db:
            rows = [
                (name, [(each, template_of(db, name, each)) for each in _languages()])
                for name in sorted(templates("it"))
            ]
        looked = {
            (name, language): look_at(name, language, text.text)
            for name, texts in rows
            for language, text in texts
        }
        return render_template("messages.html", rows=rows, looked=looked)

    def message(self, template: str) -> ResponseReturnValue:
        """One text in all languages."""
        return self._page(template)

    def change(self, template: str, language: str) -> ResponseReturnValue:
        """Try a text out, let it count, or go back to ours."""
        _known(template, language)
        if request.form.get("do") == "usual":
            with transaction(self._sessions) as db:
                write_text(db, template, language, "", **self._by())
            return saved(url_for("console.message", template=template), "messages.saved")
        form = self._form()
        text = form.text("text", _LONGEST)
        looked = look_at(template, language, text)
        if text and looked.wanted is not None:
            names = " ".join(f"{{{name}}}" for name in looked.wanted)
            form.wrong("text", "messages.placeholders", placeholders=names or "–")
        if looked.foreign:
            instead = ", ".join(
                f"{each} → {other}" if other else each for each, other in looked.foreign.items()
            )
            form.wrong("text", "messages.foreign", characters=instead)
        if looked.parts > MOST_PARTS:
            form.wrong("text", "messages.too_many_parts", parts=looked.parts, most=MOST_PARTS)
        if form.errors or request.form.get("do") == "preview":
            return self._page(template, form, language, looked)
        with transaction(self._sessions) as db:
            write_text(db, template, language, text, **self._by())
        return saved(url_for("console.message", template=template), "messages.saved")

    def _page(
        self, name: str, form: Form | None = None, at: str = "", looked: Looked | None = None
    ) -> ResponseReturnValue:
        _known(name, "it")
        with reading(self._sessions) as db:
            texts = [
                (
                    each,
                    template_of(db, name, each),
                    bool((own := own_text(db, name, each)) and own.text),
                    versions(db, name, each),
                )
                for each in _languages()
            ]
        shown = {each: look_at(name, each, text.text) for each, text, _, _ in texts}
        if looked and form and not form.errors:
            shown[at] = looked
        page = render_template(
            "message.html", name=name, texts=texts, looked=shown, form=form, at=at, longest=_LONGEST
        )
        return page, HTTPStatus.BAD_REQUEST if form and form.errors else HTTPStatus.OK


def _languages() -> list[str]:
    """Italian first."""
    return sorted(languages(), key=lambda language: (language != "it", language))


def _known(name: str, language: str) -> None:
    if language not in languages() or name not in templates(language):
        abort(404)
