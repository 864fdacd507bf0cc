"""pyst2's AGI, made safe for a server: quiet, quoting, without signals, and with one kind of hang-up.

pyst2 0.5.1 writes every line it sees to stderr (personal data), installs a signal handler (impossible in a
thread), puts quotes around values without escaping them, and shows a hang-up in seven ways. This subclass
keeps its command methods and replaces what lies below them.
"""

from __future__ import annotations

import os
import re
from typing import Any, Protocol

from asterisk.agi import AGI, AGIAppError, AGIError, AGIInvalidCommand, AGIUsageError, re_code, re_kv

from ivr.conversation import HungUp

#: Limits of what a peer may send; Asterisk stays far below them.
HEADER_LINES = 200
LONGEST_LINE = 4096

#: The channel variable that keys are read into.
KEYS = "CENTRALINO_KEYS"

#: Control characters end or corrupt a line of the protocol, so none may be inside a value.
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


class Wire(Protocol):
    """A line-wise connection to Asterisk.

    ``readline`` gives one line without its end and raises :class:`~ivr.conversation.HungUp` at the end of the
    stream; both raise ``OSError`` (``TimeoutError`` included) when the connection breaks.
    """

    def readline(self) -> str: ...

    def write(self, text: str) -> None: ...

    def flush(self) -> None: ...


class BadPeerError(Exception):
    """What is on the other side does not speak AGI."""


class Session(AGI):  # type: ignore[misc]
    """One AGI conversation with Asterisk.

    Args:
        wire: the connection; the request header is read from it at once.

    Raises:
        BadPeerError: the header is no AGI header.
        HungUp: from any command once the caller is gone, however Asterisk tells it.
    """

    def __init__(self, wire: Wire) -> None:
        # pyst2's own constructor prints and installs a signal handler; these are all the fields it sets.
        self.stdin = wire
        self.stdout = wire
        self.stderr = _Nowhere()
        self._got_sighup = False
        self.env: dict[str, str] = {}
        self._get_agi_env()

    def _get_agi_env(self) -> None:
        for _ in range(HEADER_LINES):
            line = self.stdin.readline()
            if not line.strip():
                break
            key, colon, value = line.partition(":")
            if not colon or not key.startswith("agi_"):
                raise BadPeerError("a header line is not from Asterisk")
            self.env[key.strip()] = value.strip()
        else:
            raise BadPeerError("the header does not end")
        if "agi_uniqueid" not in self.env:
            raise BadPeerError("the header names no call")

    def _quote(self, string: object) -> str:
        return quote(str(string))

    def execute(self, command: str, *args: object) -> dict[str, tuple[str, str]]:
        """Send a command and read its result. Every sign of a hang-up becomes :class:`HungUp`."""
        try:
            self.test_hangup()
            self.send_command(command, *args)
            result: dict[str, tuple[str, str]] = self.get_result()
        except AGIInvalidCommand:
            raise
        except (AGIAppError, OSError) as e:
            # The hang-ups: SIGHUP flag, "(hangup)" and result -1 are AGIAppErrors, a broken pipe, a reset
            # and a peer that fell silent are OSErrors. 511, HANGUP and the end of file come from get_result.
            raise HungUp from e
        return result

    def send_command(self, command: str, *args: object) -> None:
        line = " ".join((command, *map(str, args)))
        self.stdout.write(_CONTROL.sub(" ", line) + "\n")
        self.stdout.flush()

    def get_result(self, stdin: object = None) -> dict[str, tuple[str, str]]:
        line = self.stdin.readline()
        if line.startswith("HANGUP"):
            raise HungUp
        code, response = re_code.search(line).groups()
        if code == "200":
            result = {key: (value, data) for key, value, data in re_kv.findall(response)}
            value, data = result.get("result", ("", ""))
            if value == "-1" or data == "hangup":
                raise HungUp
            return result
        if code == "511":
            raise HungUp
        if code == "510":
            raise AGIInvalidCommand(response)
        if code == "520":
            # The usage follows, up to a second line with 520; at the end of the file readline gives up.
            while not self.stdin.readline().startswith("520"):
                pass
            raise AGIUsageError(response)
        raise AGIError(f"unexpected answer with code {code or '(none)'}")

    def read_keys(self, sounds: str, seconds: float, most: int = 1) -> str:
        """Play sounds (paths without extension, joined by ``&``) and wait for keys.

        Returns the keys pressed from the beginning of the sounds on, until there are ``most``, a ``#`` (which
        is returned too) or a pause of ``seconds``, counted from the end of the sounds for the first key.
        """
        self.appexec("Read", f"{KEYS},{sounds},{most},,1,{seconds:g}")
        # Both in one command: keys pressed between two commands are lost.
        answer = self.execute("GET FULL VARIABLE", quote(f"${{READSTATUS}} ${{{KEYS}}}"))
        status, _, keys = answer.get("result", ("", ""))[1].partition(" ")
        # ``#`` ends the reading instead of being read.
        return f"{keys}#" if status == "OK" and len(keys) < most else keys

    def variable(self, name: str) -> str:
        """The value of a channel variable; empty if there is none."""
        # Not pyst2's get_variable, which takes the value "hangup" for one.
        return self.execute("GET VARIABLE", quote(name)).get("result", ("", ""))[1]

    def wait_for_digit(self, timeout: int = 2000) -> str:
        """The next key within ``timeout`` milliseconds, or ``""``."""
        return _key(self.execute("WAIT FOR DIGIT", timeout))

    def record_file(
        self,
        filename: str,
        format: str = "wav",  # noqa: A002 (pyst2's name)
        escape_digits: str = "#",
        timeout: int = 60_000,
        offset: int = 0,
        beep: str = "beep",
        silence: int = 0,
    ) -> str:
        """Record into ``filename`` + ``.format`` for at most ``timeout`` milliseconds.

        ``silence`` seconds of it end the recording. Returns the key that ended it, or ``""``.
        """
        args: list[Any] = [quote(filename), quote(format), quote(escape_digits), timeout, offset]
        if beep:
            args.append("BEEP")
        if silence:
            args.append(f"s={silence}")
        return _key(self.execute("RECORD FILE", *args))

    def set_variable(self, name: str, value: str) -> None:
        self.execute("SET VARIABLE", quote(name), quote(value))


def quote(value: str) -> str:
    """``value`` as one quoted argument that Asterisk reads back as it was, save for control characters."""
    return '"' + _CONTROL.sub(" ", value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _key(result: dict[str, tuple[str, str]]) -> str:
    value = result.get("result", ("0", ""))[0]
    return chr(int(value)) if value.isdigit() and value != "0" else ""


class _Nowhere:
    def write(self, text: str) -> None:
        pass


class FileWire:
    """The wire of a plain AGI script: Asterisk on standard input and output."""

    def __init__(self, read: int = 0, write: int = 1) -> None:
        self._in = os.fdopen(os.dup(read), "rb")
        self._out = os.fdopen(os.dup(write), "wb")

    def readline(self) -> str:
        line = self._in.readline(LONGEST_LINE)
        if not line:
            raise HungUp
        return line.decode("utf-8", "replace").rstrip("\r\n")

    def write(self, text: str) -> None:
        self._out.write(text.encode("utf-8", "replace"))

    def flush(self) -> None:
        self._out.flush()

    def close(self) -> None:
        self._in.close()
        self._out.close()
