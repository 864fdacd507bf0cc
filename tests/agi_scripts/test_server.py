"""The FastAGI server against peers that are slow, hostile, or not Asterisk."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from agi_scripts import server as server_module
from agi_scripts.server import Server
from agi_scripts.session import LONGEST_LINE, Session

HEADER = b"agi_request: agi://x/hello\nagi_uniqueid: 7.7\nagi_callerid: 3331234567\n\n"


def hello(session: Session) -> None:
    session.set_variable("GREETING", f"hello {session.env['agi_uniqueid']}")


def broken(session: Session) -> None:
    raise ZeroDivisionError


@contextmanager
def serving(allowed: tuple[str, ...] = ("127.0.0.1",)) -> Iterator[tuple[str, int]]:
    with Server(("127.0.0.1", 0), {"hello": hello, "broken": broken}, allowed) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address[:2]  # type: ignore[misc]
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def address() -> Iterator[tuple[str, int]]:
    with serving() as where:
        yield where


def call(address: tuple[str, int], header: bytes = HEADER) -> bytes:
    with socket.create_connection(address, timeout=5) as line:
        try:
            line.sendall(header)
            received = line.recv(200)
        except ConnectionResetError:
            return b""
        if received:
            line.sendall(b"200 result=1\n")
        return received


def closed(line: socket.socket, within: float) -> bool:
    """Whether the server closes the connection in time."""
    line.settimeout(within)
    try:
        return line.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def test_a_call_is_served(address: tuple[str, int]) -> None:
    assert call(address) == b'SET VARIABLE "GREETING" "hello 7.7"\n'


def test_a_header_in_small_pieces_is_a_header(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=5) as line:
        for start in range(0, len(HEADER), 7):
            line.sendall(HEADER[start : start + 7])
            time.sleep(0.005)
        assert line.recv(200).startswith(b"SET VARIABLE")


@pytest.mark.parametrize(
    "rubbish",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00" * 40 + b"\n\n",
        b"\n",
        b"agi_request: agi://x/hello\n\n",
    ],
)
def test_garbage_is_dropped(address: tuple[str, int], rubbish: bytes) -> None:
    with socket.create_connection(address) as line:
        line.sendall(rubbish)
        assert closed(line, 2)
    assert call(address)


def test_half_a_header_and_silence_are_dropped_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "HEADER_SECONDS", 0.3)
    with serving() as address:
        lines = [socket.create_connection(address) for _ in range(20)]
        for line in lines[:10]:
            line.sendall(HEADER[:40])
        assert call(address), "others are served meanwhile"
        assert all(closed(line, 3) for line in lines)
        for line in lines:
            line.close()


def test_a_header_drop_by_drop_does_not_hold_a_thread_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "HEADER_SECONDS", 0.4)
    with serving() as address, socket.create_connection(address) as line:
        started = time.monotonic()
        try:
            while time.monotonic() - started < 5:
                line.sendall(b"agi_x: 1\n")
                time.sleep(0.05)
        except OSError:
            pass
        assert time.monotonic() - started < 3


def test_a_line_of_ten_megabytes_is_dropped_after_its_first_bytes(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as line:
        sent = 0
        try:
            while sent < 10_000_000:
                sent += line.send(b"a" * 65536)
        except OSError:
            pass
        assert closed(line, 2) or sent < 10_000_000
    assert LONGEST_LINE < 65536
    assert call(address)


def test_an_endless_header_is_dropped(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as line:
        line.sendall(b"agi_noise: 1\n" * 1000)
        assert closed(line, 2)


def test_only_configured_addresses_may_connect() -> None:
    with serving(allowed=("192.0.2.7",)) as address, socket.create_connection(address) as line:
        try:
            line.sendall(HEADER)
        except OSError:
            return
        assert closed(line, 2)


def test_an_unknown_or_broken_entry_point_closes_without_an_outcome(address: tuple[str, int]) -> None:
    assert call(address, HEADER.replace(b"hello", b"../../etc/passwd")) == b""
    assert call(address, HEADER.replace(b"hello", b"broken")) == b""
    assert call(address)


def test_above_the_limit_new_calls_are_closed_and_old_ones_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "CALLS", 2)
    with serving() as address:
        first = [socket.create_connection(address, timeout=5) for _ in range(2)]
        for line in first:
            line.sendall(HEADER)
            assert line.recv(200)
        with socket.create_connection(address) as third:
            assert closed(third, 2)
        first[0].sendall(b"200 result=1\n")
        assert closed(first[0], 2)
        deadline = time.monotonic() + 2
        while not (served := call(address)) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert served
        for line in first:
            line.close()


def test_no_personal_data_is_logged(address: tuple[str, int], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        call(address)
        call(address, HEADER.replace(b"hello", b"broken"))
        call(address, b"3331234567 garbage\n\n")
        time.sleep(0.1)
    assert "3331234567" not in caplog.text
    assert caplog.text
