from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

from desk.settings import Settings
from webhooks.server import PATIENCE, THREADS, gunicorn_options


def _get(
    port: int, path: str, headers: dict[str, str] | None = None, *, timeout: float = 10
) -> tuple[int, dict[str, str], bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=timeout)
    with closing(connection):
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def test_it_serves_logs_without_private_data_and_stops_when_asked(
    server: subprocess.Popen[bytes], port: int, tmp_path: Path
) -> None:
    status, _, body = _get(port, "/health?caller=%2B393331234567")
    assert (status, json.loads(body)["ok"]) == (200, True)
    assert _get(port, "/console/static/console.css")[0] == 200

    began = time.monotonic()
    server.send_signal(signal.SIGTERM)
    assert server.wait(timeout=15) == 0
    assert time.monotonic() - began < 5
    assert "39333" not in (tmp_path / "server.log").read_text()


def test_behind_a_proxy_that_ends_https_the_cookie_is_secure(
    server: subprocess.Popen[bytes], port: int
) -> None:
    _, plain, _ = _get(port, "/console/login")
    _, secure, _ = _get(port, "/console/login", {"X-Forwarded-Proto": "https"})
    assert "Secure" not in plain["set-cookie"]
    assert "Secure" in secure["set-cookie"]
    assert "strict-transport-security" in secure


def test_visitors_who_stop_in_mid_request_do_not_keep_others_out(
    server: subprocess.Popen[bytes], port: int
) -> None:
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(THREADS + 4)]
    try:
        for one in silent:
            one.send(b"GET /health HTTP/1.1\r\nHost:")
        assert _get(port, "/health", timeout=PATIENCE * 3)[0] == 200
    finally:
        for one in silent:
            one.close()


def test_an_ipv6_address_is_bound_as_one() -> None:
    assert gunicorn_options(Settings(web_address="::1", web_port=8081))["bind"] == "[::1]:8081"
