"""The web application in a real browser: a server of its own, Chromium, and axe's judgement of a page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread

from flask import Flask
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import make_server

from desk.settings import PROJECT

CHROMIUM = "/usr/bin/chromium"
# A machine with other work to do is slow; what takes this long is broken (milliseconds).
expect.set_options(timeout=20_000)
#: Nothing asks the network behind our back.
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: Installed by ./bootstrap beside what the browser gets; it is never served.
AXE = PROJECT / "build" / "console" / "node_modules" / "axe-core" / "axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The application on a free port; gives its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def chromium(*options: str) -> Iterator[Browser]:
    """Debian's Chromium without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*OPTIONS, *options])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visitor:
    """Somebody before a browser."""

    page: Page
    #: What the browser wrote to its console: script faults and breaches of the content security policy.
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def at(cls, browser: Browser, address: str, *, width: int = 1366, script: bool = True) -> Visitor:
        """A fresh window with nobody logged in."""
        context = browser.new_context(
            viewport={"width": width, "height": 850},
            base_url=address,
            locale="it-IT",
            java_script_enabled=script,
        )
        visitor = cls(context.new_page())
        visitor.page.on("console", lambda message: visitor.complaints.append(message.text))
        visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        return visitor

    def sign_in(self, login: str, password: str = "giusta") -> None:  # noqa: S107 - of the tests
        """Through the form, with the keyboard."""
        self.page.goto("/console/login")
        self.page.locator("#login").focus()
        self.page.keyboard.type(login)
        self.page.keyboard.press("Tab")
        self.page.keyboard.type(password)
        self.page.keyboard.press("Enter")
        expect(self.page.locator("#login")).to_have_count(0)

    def violations(self) -> list[str]:
        """What axe finds wrong with the page as it stands: ``rule: element``, one for each."""
        # A page that is still coming has no style yet.
        self.page.wait_for_load_state("load")
        # Evaluated, not added as an element: the policy of the page refuses scripts that are not ours.
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate(
            "rules => axe.run({runOnly: {type: 'tag', values: rules}, resultTypes: ['violations']})", _RULES
        )
        return [
            f"{each['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
            for each in found["violations"]
            for node in each["nodes"]
        ]
