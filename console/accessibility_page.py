"""The accessibility statement of the console, as law 4/2004 and the guidelines of AgID ask for."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from desk.settings import Settings

#: When the pages were last looked at, by the tests with axe and by hand with the keyboard.
LAST_CHECK = date(2026, 11, 24)


class AccessibilityPage:
    """A page for everybody, log-in or not."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the page."""
        blueprint.add_url_rule("/accessibility", "accessibility", self.page)

    def page(self) -> ResponseReturnValue:
        """The statement in the visitor's language."""
        return render_template(
            "accessibility.html",
            email=self._settings.town_email,
            declared=self._settings.accessibility_statement,
            checked_on=LAST_CHECK,
        )
