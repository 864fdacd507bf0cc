"""What browsers are told to refuse: foreign or inline scripts and styles, framing, guessing, caching."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, g, request

from console.phone_pages import phone_url
from desk.settings import Settings

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    # Bootstrap Italia's style sheet carries small signs (arrows, ticks) as data: images, which run nothing.
    "img-src": "'self' data:",
    "font-src": "'self'",
    "media-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}

#: Pages with a telephone in them: they use the microphone and speak to Asterisk.
PHONES = frozenset({"console.phone", "console.try_it"})
#: The yearly report, which is the same file that can be taken away.
REPORT = "console.statistics_year_page"
#: Of the console: what has no place beside the phone.
_NEVER_FRAMED = frozenset({"console.static", "console.sign_in"})


def _policy(**changed: str) -> str:
    policy = _POLICY | {name.replace("_", "-"): value for name, value in changed.items()}
    return "; ".join(f"{name} {value}" for name, value in policy.items())


CONTENT_SECURITY_POLICY = _policy()

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": the check of forms over https compares the referrer with our own host.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

#: Half a year; only ever sent over https.
_STRICT_TRANSPORT = "max-age=15552000"


def secure(app: Flask, settings: Settings) -> None:
    """Send the headers with every answer of ``app``."""

    def add_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        response.headers.update(_exceptions(settings))
        if request.is_secure:
            response.headers["Strict-Transport-Security"] = _STRICT_TRANSPORT
        if request.endpoint != "console.static":
            # Counter screens are shared: nothing about a citizen may stay in the browser's cache.
            response.headers["Cache-Control"] = "no-store"
        return response

    app.after_request(add_headers)


def _exceptions(settings: Settings) -> dict[str, str]:
    """What the page asked for needs beyond the others."""
    endpoint = request.endpoint or ""
    if endpoint in PHONES:
        # The address to the port, and no other; the pages of work are opened in a frame beside the phone.
        address = urlsplit(phone_url(settings))
        return {
            "Content-Security-Policy": _policy(
                connect_src=f"'self' {address.scheme}://{address.netloc}", frame_src="'self'"
            ),
            "Permissions-Policy": HEADERS["Permissions-Policy"].replace("microphone=()", "microphone=(self)"),
        }
    if leads_to := g.get("form_leads_to"):
        # Logging out at the town's own log-in, which may send on to who it trusts itself.
        return {"Content-Security-Policy": _policy(form_action=f"'self' {leads_to} https:")}
    if endpoint == REPORT:
        # A document of its own with its style and charts inside: nothing runs in it, nothing is loaded.
        return {
            "Content-Security-Policy": _policy(
                script_src="'none'", style_src="'unsafe-inline'", connect_src="'none'", form_action="'none'"
            )
        }
    if endpoint == "start" or (endpoint.startswith("console.") and endpoint not in _NEVER_FRAMED):
        # Only by ourselves: the page with the phone.
        return {
            "Content-Security-Policy": _policy(frame_ancestors="'self'"),
            "X-Frame-Options": "SAMEORIGIN",
        }
    return {}
