"""The manager client against a peer that answers late, wrongly or never; the real one is in tests/live/."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from call_routing import ami
from call_routing.ami import Ami, Gone, Refused

GREETING = b"Asterisk Call Manager/9.0.0\r\n"

Talk = Callable[[socket.socket], None]


@contextmanager
def peer(talk: Talk) -> Iterator[tuple[str, int]]:
    """A manager interface that talks this way to one client."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(GREETING)
                talk(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[:2]
        thread.join()


def read(connection: socket.socket) -> dict[str, str]:
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        data += connection.recv(1000)
    return dict(line.split(": ", 1) for line in data.decode().split("\r\n") if line)


def send(connection: socket.socket, *headers: tuple[str, str]) -> None:
    connection.sendall("".join(f"{key}: {value}\r\n" for key, value in headers).encode() + b"\r\n")


def test_an_answer_belongs_to_its_question_and_no_event_is_lost() -> None:
    asked: list[dict[str, str]] = []

    def talk(connection: socket.socket) -> None:
        asked.append(read(connection))
        send(connection, ("Event", "QueueCallerJoin"), ("Queue", "desk"))
        send(connection, ("Response", "Success"), ("ActionID", "another"))
        send(connection, ("Response", "Success"), ("ActionID", asked[0]["ActionID"]))
        own = read(connection)["ActionID"]
        send(connection, ("Response", "Success"), ("ActionID", own), ("EventList", "start"))
        send(connection, ("Event", "QueueMember"), ("ActionID", own), ("Name", "201"))
        send(connection, ("Event", "Hangup"), ("Uniqueid", "1.1"))
        send(connection, ("Event", "QueueStatusComplete"), ("ActionID", own), ("EventList", "Complete"))

    with peer(talk) as address, Ami(address) as manager:
        manager.login("centralino", "secret\r\nAction: Command")
        assert [event["Name"] for event in manager.ask("QueueStatus")] == ["201"]
        assert [event["Event"] for event in manager.events(0)] == ["QueueCallerJoin", "Hangup"]
    # Nothing that is sent can begin another header.
    assert asked[0]["Secret"] == "secret  Action: Command"


def test_refused_is_told() -> None:
    def talk(connection: socket.socket) -> None:
        own = read(connection)["ActionID"]
        send(connection, ("Response", "Error"), ("ActionID", own), ("Message", "Permission denied"))

    with peer(talk) as address, Ami(address) as manager, pytest.raises(Refused, match="Permission denied"):
        manager.hangup("PJSIP/201-1")


def test_a_peer_that_is_gone_or_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ami, "ANSWER", 0.2)
    with peer(lambda connection: None) as address, Ami(address) as manager, pytest.raises(Gone):
        manager.ask("QueueStatus")
    done = threading.Event()

    def say_nothing(connection: socket.socket) -> None:
        done.wait(10)

    with peer(say_nothing) as address, Ami(address) as manager:
        with pytest.raises(Gone):
            manager.ask("QueueStatus")
        done.set()
    with pytest.raises(Gone):
        Ami(address)
