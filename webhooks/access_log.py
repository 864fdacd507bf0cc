"""One line per answer, without personal data: the route's pattern, never the address that was asked for.

An address can carry a reference, a query, or whatever a stranger typed; the pattern cannot.
"""

from __future__ import annotations

import logging
from time import perf_counter

from flask import Flask, Response, g, request

log = logging.getLogger(__name__)


def log_requests(app: Flask) -> None:
    """Log method, route pattern, status and duration of every answer to ``app``."""

    def begin() -> None:
        g.began = perf_counter()

    def end(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "(no such page)"
        # Open pages ask every two seconds and a watchman every few: their "nothing new" would drown the rest.
        usual = response.status_code == 304 or (
            route in ("/health", "/metrics") and response.status_code == 200
        )
        level = logging.DEBUG if usual else logging.INFO
        took = (perf_counter() - g.began) * 1000
        log.log(level, "%s %s %d %.0f ms", request.method, route, response.status_code, took)
        return response

    app.before_request(begin)
    app.after_request(end)
