"""What a browser calls itself, as a person would."""

from __future__ import annotations

#: In the order of looking: every browser also calls itself by the names of others.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def browser_of(agent: str) -> str:
    """``Firefox, Windows`` from a ``User-Agent``; a dash for what nobody knows."""
    named = (next((name for sign, name in known if sign in agent), None) for known in (_BROWSERS, _SYSTEMS))
    return ", ".join(name for name in named if name) or "–"
