"""What browsers are told to refuse: foreign or inline scripts and styles, framing, guessing, caching."""

from __future__ import annotations

from flask import Flask, Response, request

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        # Bootstrap Italia's style sheet carries small signs as data: images, which run nothing.
        "img-src 'self' data:",
        "font-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

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


def secure(app: Flask) -> None:
    """Send the headers with every answer of ``app``."""

    def add_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        if request.is_secure:
            response.headers["Strict-Transport-Security"] = _STRICT_TRANSPORT
        if request.endpoint != "console.static":
            # Counter screens are shared: nothing about a citizen may stay in the browser's cache.
            response.headers["Cache-Control"] = "no-store"
        return response

    app.after_request(add_headers)
