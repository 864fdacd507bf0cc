"""A citizen's line and a desk phone for trials, tests and measurements: SIPp speaks SIP.

SIPp can send tones too, but only as root and only blindly, by the clock. So a line that listens takes its
sound and its keys from :class:`call_routing.trial.rtp.Sound`; SIPp's own tones are for load (``bench/``).
"""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from xml.sax.saxutils import escape

from call_routing.trial.rtp import ANSWERED_KEYS, KEYS

#: From SIPp's command to press a key to its end: 0.4 s of silence, as long a gap, then the tone of 0.2 s. The
#: next command before that cuts it off.
KEY_PAUSE = 1.1

Address = tuple[str, int]


class CallFailed(RuntimeError):
    """SIPp could not do what its scenario says; ``status`` is the SIP answer that refused it, if any."""

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Press:
    """Keys pressed one after the other: digits, ``*``, ``#``, or fields of SIPp's injection file."""

    keys: Sequence[str]


@dataclass(frozen=True, slots=True)
class Pause:
    """Seconds during which nothing is pressed."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Dialog:
    """A call in SIP's terms: its id, our tag, the exchange's tag, and who calls, as a display shows it."""

    call_id: str
    our_tag: str
    their_tag: str
    caller: str


#: What a scenario logs of a call begins with this word: see `Sipp.dialogs`.
_DIALOG = "dialog "


class Sipp:
    """A running SIPp. Events that its scenario logs (``answered``, ``ended`` ...) can be waited for.

    Leaving it as a context manager ends the process and what it had open.
    """

    def __init__(
        self,
        program: Sequence[str],
        scenario: str,
        arguments: Sequence[str],
        *,
        remote: Address | None = None,
        port: int | None = None,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="centralino-sipp-")
        folder = Path(self._folder.name)
        (folder / "scenario.xml").write_text(scenario, encoding="utf-8")
        self._hung_up = False
        self._log, self._errors = folder / "log", folder / "errors"
        self._messages = folder / "messages"
        command = [*program, "-sf", str(folder / "scenario.xml"), "-i", "127.0.0.1", "-mi", "127.0.0.1"]
        command += [
            "-trace_err",
            "-error_file",
            str(self._errors),
            "-trace_logs",
            "-log_file",
            str(self._log),
        ]
        # Left alone SIPp takes port 5060, which belongs to an exchange.
        command += ["-p", str(port or free_port()), "-nostdin", *arguments]
        if remote:
            command.append(f"{remote[0]}:{remote[1]}")
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={"TERM": "dumb", "LC_ALL": "C"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up what is open and end the process."""
        if self._process.poll() is None:
            self.hang_up()
            try:
                self._process.wait(2)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._folder.cleanup()

    def hang_up(self) -> None:
        """End the call now, whatever the scenario still wants to do (BYE, or CANCEL before the answer)."""
        # The first signal asks SIPp to start nothing new, the second to end what is open.
        self._hung_up = True
        for _ in range(2):
            self._process.send_signal(signal.SIGUSR1)
            time.sleep(0.05)

    @property
    def events(self) -> list[str]:
        """What happened so far, oldest first."""
        return [line for line in self._lines if not line.startswith(_DIALOG)]

    @property
    def dialogs(self) -> list[Dialog]:
        """The calls so far, oldest first."""
        return [Dialog(*line.split(" ", 4)[1:]) for line in self._lines if line.startswith(_DIALOG)]

    @property
    def messages(self) -> str:
        """All SIP messages so far, where SIPp was told to keep them."""
        return self._messages.read_text(encoding="utf-8", errors="replace") if self._messages.exists() else ""

    @property
    def _lines(self) -> list[str]:
        return self._log.read_text(encoding="utf-8").splitlines() if self._log.exists() else []

    def wait_for(self, event: str, timeout: float, *, times: int = 1) -> None:
        """Wait until ``event`` happened ``times`` times. Raises `CallFailed` when it does not."""
        end = time.monotonic() + timeout
        while self.events.count(event) < times:
            if self._process.poll() is not None and self.events.count(event) < times:
                raise self._failure(f"SIPp ended without {event!r}")
            if time.monotonic() > end:
                raise self._failure(f"no {event!r} within {timeout:g} s; so far: {self.events}")
            time.sleep(0.02)

    def finish(self, timeout: float) -> None:
        """Wait for the end of the scenario. Raises `CallFailed` if it went another way, or takes longer."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired as e:
            raise self._failure(f"the call was not over after {timeout:g} s; so far: {self.events}") from e
        if code != 0 and not self._hung_up:
            raise self._failure(_EXIT_CODES.get(code, f"SIPp ended with code {code}"))

    def _failure(self, text: str) -> CallFailed:
        errors = self._errors.read_text(encoding="utf-8", errors="replace") if self._errors.exists() else ""
        # SIPp quotes the whole message that did not fit its scenario.
        refused = re.search(r"received 'SIP/2\.0 ([3-6]\d\d) ([^\r\n]*)", errors)
        if refused:
            return CallFailed(f"{text}: the exchange said {refused[1]} {refused[2]}", int(refused[1]))
        return CallFailed(text)


def free_port() -> int:
    """A UDP port of the loopback address that is free at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


#: https://sipp.readthedocs.io/en/latest/sipp.html#exit-codes
_EXIT_CODES = {
    1: "the call went another way than expected",
    97: "SIPp was ended from outside",
    99: "SIPp ended without a call",
    254: "SIPp's port is taken",
    255: "SIPp could not run",
}


def call(
    program: Sequence[str],
    exchange: Address,
    *,
    number: str,
    caller: str | None,
    sound: Address | None = None,
    steps: Iterable[Press | Pause] = (),
    hang_up_after: float | None = None,
    password: str | None = None,
    at_most: float = 600,
) -> Sipp:
    """Call ``number`` as ``caller`` (E.164; None withholds it).

    ``sound`` is where the exchange shall send the sound; ``steps`` are pressed by SIPp itself once the call
    is answered (needs root). Then the line is hung up after ``hang_up_after`` seconds, or waits for the other
    side. With a ``password`` the caller is one of our phones. ``at_most`` ends a call that hangs (seconds).
    Events: ``answered``, ``ended``.
    """
    scenario = calling_scenario(
        number,
        caller,
        sound=sound,
        steps=steps,
        hang_up_after=hang_up_after,
        authenticate=password is not None,
    )
    arguments = ["-m", "1", "-timeout", f"{at_most:.0f}s", "-timeout_error"]
    if caller and password:
        arguments += ["-au", caller, "-ap", password]
    return Sipp(program, scenario, arguments, remote=exchange)


def register(
    program: Sequence[str],
    exchange: Address,
    *,
    extension: str,
    password: str,
    port: int,
    timeout: float = 10,
) -> None:
    """Register the phone that listens on ``port``. Raises `CallFailed` (status 401 for a wrong password)."""
    with Sipp(
        program,
        registering_scenario(extension, port),
        ["-m", "1", "-au", extension, "-ap", password],
        remote=exchange,
    ) as sipp:
        sipp.finish(timeout)


def phone(
    program: Sequence[str],
    *,
    port: int,
    answer_after: float | None = None,
    busy: bool = False,
    sound: Address | None = None,
) -> Sipp:
    """A desk phone listening on ``port`` that takes calls one after the other until it is closed.

    It answers after that many seconds, or refuses as busy, or (neither) rings for ever.
    Events: ``ringing``, ``answered``, ``cancelled``, ``refused``, ``ended``.
    """
    scenario = answering_scenario(answer_after=answer_after, busy=busy, sound=sound)
    # -aa: a phone also answers the exchange's question whether it is still there (OPTIONS).
    return Sipp(program, scenario, ["-aa", "-trace_msg", "-message_file", "messages"], port=port)


def watch(program: Sequence[str], exchange: Address, *, number: str, extension: str, password: str) -> Sipp:
    """A phone whose lamp follows ``number``, until it is closed.

    Events: ``<state>confirmed</state>`` each time it is lit, ``<state>terminated</state>`` when it goes out.
    """
    arguments = ["-m", "1", "-au", extension, "-ap", password]
    return Sipp(program, watching_scenario(number, extension), arguments, remote=exchange)


def calling_scenario(
    number: str,
    caller: str | None,
    *,
    sound: Address | None = None,
    steps: Iterable[Press | Pause] = (),
    hang_up_after: float | None = None,
    authenticate: bool = False,
) -> str:
    """SIPp's scenario of a caller; a phone of ours authenticates itself."""
    who = (
        f"<sip:{caller}@[local_ip]:[local_port]>"
        if caller
        else '"Anonymous" <sip:anonymous@anonymous.invalid>'
    )
    head = f"""
        Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
        From: {who};tag=[pid]c[call_number]
        To: <sip:{number}@[remote_ip]:[remote_port]>TAG
        Call-ID: [call_id]
        Contact: <sip:caller@[local_ip]:[local_port]>
        Max-Forwards: 70
        User-Agent: sipp
    """
    first, later = head.replace("TAG", ""), head.replace("TAG", "[peer_tag_param]")
    to_peer = f"{number}@[remote_ip]:[remote_port]"
    invite, cseq = f"INVITE sip:{to_peer} SIP/2.0{first}", 1
    parts = []
    if authenticate:
        parts += [
            _send(f"{invite}CSeq: {cseq} INVITE", _sdp(sound), retransmit=True),
            '<recv response="100" optional="true"/>',
            '<recv response="401" auth="true"/>',
            _send(f"ACK sip:{to_peer} SIP/2.0{later}CSeq: {cseq} ACK"),
        ]
        invite, cseq = f"{invite}[authentication]\n", 2
    parts += [
        _send(f"{invite}CSeq: {cseq} INVITE", _sdp(sound), retransmit=True),
        *(f'<recv response="{code}" optional="true"/>' for code in (100, 180, 183)),
        '<recv response="200" rtd="true"><action>',
        '<ereg regexp="tag=([^;]*)" search_in="hdr" header="To:" assign_to="whole,tag"/>',
        f'<log message="{_DIALOG}[call_id] [pid]c[call_number] [$tag] -"/><log message="answered"/>',
        "</action></recv>",
        '<Reference variables="whole,tag"/>',
        _send(f"ACK [next_url] SIP/2.0{later}CSeq: {cseq} ACK"),
    ]
    for step in steps:
        if isinstance(step, Pause):
            parts.append(_pause(step.seconds))
        else:
            for key in step.keys:
                parts += [f'<nop><action><exec play_dtmf="{key}"/></action></nop>', _pause(KEY_PAUSE)]
    if hang_up_after is None:
        parts += [f'<recv request="BYE">{_log("ended")}</recv>', _reply("200 OK")]
    else:
        parts += [
            _pause(hang_up_after),
            _send(f"BYE [next_url] SIP/2.0{later}CSeq: {cseq + 1} BYE", retransmit=True),
            f'<recv response="200">{_log("ended")}</recv>',
        ]
    return _scenario(parts)


def registering_scenario(extension: str, port: int) -> str:
    """SIPp's scenario of a phone that registers; the password comes by ``-ap``."""

    def message(number: int, authentication: str) -> str:
        return _send(
            f"""REGISTER sip:[remote_ip]:[remote_port] SIP/2.0
            Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
            From: <sip:{extension}@[remote_ip]>;tag=[pid]r[call_number]
            To: <sip:{extension}@[remote_ip]>
            Call-ID: [call_id]
            CSeq: {number} REGISTER
            Contact: <sip:{extension}@[local_ip]:{port}>
            {authentication}
            Expires: 3600
            Max-Forwards: 70""",
            retransmit=True,
        )

    return _scenario(
        [
            message(1, "User-Agent: sipp"),
            '<recv response="401" auth="true"/>',
            message(2, "[authentication]"),
            '<recv response="200"/>',
        ]
    )


def watching_scenario(number: str, extension: str) -> str:
    """SIPp's scenario of a phone with a lamp (RFC 4235); the password comes by ``-ap``."""

    def message(sequence: int, authentication: str) -> str:
        return _send(
            f"""SUBSCRIBE sip:{number}@[remote_ip]:[remote_port] SIP/2.0
            Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
            From: <sip:{extension}@[remote_ip]>;tag=[pid]w[call_number]
            To: <sip:{number}@[remote_ip]>
            Call-ID: [call_id]
            CSeq: {sequence} SUBSCRIBE
            Contact: <sip:{extension}@[local_ip]:[local_port]>
            Event: dialog
            Accept: application/dialog-info+xml
            {authentication}
            Expires: 3600
            Max-Forwards: 70""",
            retransmit=True,
        )

    return _scenario(
        [
            message(1, "User-Agent: sipp"),
            '<recv response="401" auth="true"/>',
            message(2, "[authentication]"),
            '<recv response="200"/>',
            '<label id="again"/>',
            '<recv request="NOTIFY">',
            "<action>",
            '<ereg regexp="&lt;state&gt;[a-z]+&lt;/state&gt;" search_in="body" assign_to="state"/>',
            '<log message="[$state]"/>',
            "</action>",
            "</recv>",
            _reply("200 OK"),
            '<nop next="again"/>',
        ]
    )


def answering_scenario(
    *,
    answer_after: float | None = None,
    busy: bool = False,
    sound: Address | None = None,
    talk: str | None = None,
) -> str:
    """SIPp's scenario of a phone.

    With ``talk`` (milliseconds, or a field of SIPp's injection file) it hangs up first, after that time.
    """
    contact = '<ereg regexp="sip:[^>]*" search_in="hdr" header="Contact:" assign_to="contact"/>'
    parts = [
        '<recv request="INVITE">',
        "<action>",
        *([contact] if talk else []),
        '<ereg regexp=".*" search_in="hdr" header="CSeq:" assign_to="cseq"/>',
        '<ereg regexp=".*" search_in="hdr" header="Via:" assign_to="via"/>',
        '<ereg regexp="[^ ].*;tag=" search_in="hdr" header="From:" assign_to="from"/>',
        '<ereg regexp="tag=([^;]*)" search_in="hdr" header="From:" assign_to="whole,tag"/>',
        f'<log message="{_DIALOG}[call_id] [pid]p[call_number] [$tag] [$from]"/>',
        "</action>",
        "</recv>",
        '<Reference variables="cseq,via,from,whole,tag"/>',
    ]
    if busy:
        return _scenario([*parts, _reply("486 Busy Here"), f'<recv request="ACK">{_log("refused")}</recv>'])
    # SIPp takes 0 ms for "no limit".
    answers = (
        "" if answer_after is None else f'timeout="{max(1, answer_after * 1000):.0f}" ontimeout="answer"'
    )
    parts += [
        _reply("180 Ringing"),
        f"<nop>{_log('ringing')}</nop>",
        f'<recv request="CANCEL" {answers}/>',
        _reply("200 OK"),
        _send(
            """SIP/2.0 487 Request Terminated
            Via:[$via]
            [last_From:]
            [last_To:];tag=[pid]p[call_number]
            [last_Call-ID:]
            CSeq:[$cseq]"""
        ),
        f'<recv request="ACK" next="over">{_log("cancelled")}</recv>',
    ]
    if answer_after is not None and talk:
        parts += [
            '<label id="answer"/>',
            _reply("200 OK", _sdp(sound)),
            '<recv request="ACK">',
            "<action>",
            '<ereg regexp=".*" search_in="hdr" header="From:" assign_to="caller"/>',
            '<ereg regexp=".*" search_in="hdr" header="To:" assign_to="own"/>',
            '<log message="answered"/>',
            f'<assignstr assign_to="length" value="{talk}"/>',
            '<todouble assign_to="talk" variable="length"/>',
            "</action>",
            "</recv>",
            '<pause variable="talk"/>',
            _send(
                """BYE [$contact] SIP/2.0
                Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
                From:[$own]
                To:[$caller]
                Call-ID: [call_id]
                CSeq: 1 BYE
                Max-Forwards: 70""",
                retransmit=True,
            ),
            f'<recv response="200">{_log("ended")}</recv>',
        ]
    elif answer_after is not None:
        parts += [
            '<label id="answer"/>',
            _reply("200 OK", _sdp(sound, ANSWERED_KEYS)),
            f'<recv request="ACK">{_log("answered")}</recv>',
            f'<recv request="BYE">{_log("ended")}</recv>',
            _reply("200 OK"),
        ]
    return _scenario([*parts, '<label id="over"/>', "<nop/>"])


def _scenario(parts: Iterable[str]) -> str:
    body = "\n".join(parts)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="centralino">\n{body}\n</scenario>\n'


def _send(head: str, sdp: str = "", *, retransmit: bool = False) -> str:
    """A message; SIPp fills in the length, and repeats it every half second until it is answered."""
    lines = [line.strip() for line in head.strip().splitlines() if line.strip()]
    if sdp:
        lines.append("Content-Type: application/sdp")
    lines += ["Content-Length: [len]", "", sdp]
    text = "\n".join(lines)
    again = 'retrans="500"' if retransmit else ""
    return f"<send {again}><![CDATA[\n{text}\n]]></send>"


def _reply(status: str, sdp: str = "") -> str:
    head = f"""SIP/2.0 {status}
        [last_Via:]
        [last_From:]
        [last_To:];tag=[pid]p[call_number]
        [last_Call-ID:]
        [last_CSeq:]
        Contact: <sip:[local_ip]:[local_port]>"""
    return _send(head, sdp)


def _sdp(sound: Address | None, keys: int = KEYS) -> str:
    """Where sound shall go: A-law, as European trunks have it, and keys as telephone events."""
    host, port = sound or ("[media_ip]", "[media_port]")
    return f"""v=0
o=citizen 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 {host}
t=0 0
m=audio {port} RTP/AVP 8 {keys}
a=rtpmap:8 PCMA/8000
a=rtpmap:{keys} telephone-event/8000
a=fmtp:{keys} 0-15
a=ptime:20"""


def _pause(seconds: float) -> str:
    return f'<pause milliseconds="{seconds * 1000:.0f}"/>'


def _log(event: str) -> str:
    return f'<action><log message="{escape(event)}"/></action>'
