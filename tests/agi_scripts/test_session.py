"""The AGI session: every hang-up is one, and no value can inject a command."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable

import pytest
from asterisk.agi import AGIError, AGIInvalidCommand, AGIUsageError
from hypothesis import given
from hypothesis import strategies as st

from agi_scripts.session import HEADER_LINES, BadPeerError, FileWire, Session, quote
from ivr.conversation import HungUp

HEADER = ["agi_request: agi://127.0.0.1/switchboard", "agi_uniqueid: 1.1", "agi_callerid: 3331234567", ""]


class PairedWire:
    """Asterisk's answers from a list; what we send is kept."""

    def __init__(self, lines: list[str | OSError]) -> None:
        self.lines: list[str | OSError] = lines
        self.sent: list[str] = []
        self.broken = False

    def readline(self) -> str:
        if not self.lines:
            raise HungUp
        line = self.lines.pop(0)
        if isinstance(line, OSError):
            raise line
        return line

    def write(self, text: str) -> None:
        self.sent.append(text)

    def flush(self) -> None:
        if self.broken:
            raise BrokenPipeError(32, "Broken pipe")


def session(*answers: str | OSError) -> tuple[Session, PairedWire]:
    wire = PairedWire([*HEADER, *answers])
    return Session(wire), wire


def test_the_header_is_read() -> None:
    agi, _ = session()
    assert agi.env["agi_uniqueid"] == "1.1"
    assert agi.env["agi_request"] == "agi://127.0.0.1/switchboard"


@pytest.mark.parametrize(
    "lines",
    [
        ["GET / HTTP/1.1", "Host: x", ""],
        ["agi_request: x", ""],
        [""],
        ["agi_noise: 1"] * (HEADER_LINES + 1),
        ["\x16\x03\x01 \x00\xff", ""],
    ],
)
def test_what_is_no_agi_header_is_refused(lines: list[str]) -> None:
    with pytest.raises(BadPeerError):
        Session(PairedWire(list(lines)))


def test_half_a_header_is_a_hang_up() -> None:
    with pytest.raises(HungUp):
        Session(PairedWire(HEADER[:2]))  # type: ignore[arg-type]


HANG_UPS: dict[str, list[str | OSError]] = {
    "result -1": ["200 result=-1"],
    "hangup in the data": ["200 result=0 (hangup) endpos=1280"],
    "511": ["511 Command Not Permitted on a dead channel or intercept routine"],
    "end of file": [],
    "a bare HANGUP": ["HANGUP"],
    "a broken pipe while reading": [ConnectionResetError(104, "reset")],
    "a peer that fell silent": [TimeoutError("timed out")],
}


@pytest.mark.parametrize("how", HANG_UPS)
@pytest.mark.parametrize(
    "command",
    [
        lambda agi: agi.read_keys("hello", 5),
        lambda agi: agi.variable("A"),
        lambda agi: agi.wait_for_digit(1000),
        lambda agi: agi.record_file("message", silence=4),
        lambda agi: agi.set_variable("A", "b"),
        lambda agi: agi.answer(),
    ],
)
def test_every_hang_up_is_the_same(how: str, command: Callable[[Session], object]) -> None:
    agi, _ = session(*HANG_UPS[how])
    with pytest.raises(HungUp):
        command(agi)


def test_a_broken_pipe_while_writing_is_a_hang_up() -> None:
    agi, wire = session("200 result=0")
    wire.broken = True
    with pytest.raises(HungUp):
        agi.answer()


def test_sighup_is_a_hang_up_too() -> None:
    agi, _ = session("200 result=0")
    agi._got_sighup = True
    with pytest.raises(HungUp):
        agi.answer()


def test_mistakes_of_ours_are_no_hang_ups() -> None:
    agi, _ = session(
        "510 Invalid or unknown command", "520-Invalid command syntax.", "Usage: X", "520 End", "777 x"
    )
    with pytest.raises(AGIInvalidCommand):
        agi.execute("NONSENSE")
    with pytest.raises(AGIUsageError):
        agi.execute("STREAM FILE")
    with pytest.raises(AGIError):
        agi.execute("NOOP")


def test_a_usage_that_breaks_off_does_not_loop_for_ever() -> None:
    agi, _ = session("520-Invalid command syntax.", "Usage: X")
    with pytest.raises(HungUp):
        agi.execute("STREAM FILE")


def test_keys_come_back_as_characters() -> None:
    agi, wire = session("200 result=0", "200 result=1 (OK 5)", "200 result=35", "200 result=0")
    assert agi.read_keys("it/hello&it/again", 5) == "5"
    assert wire.sent == [
        'EXEC Read "CENTRALINO_KEYS,it/hello&it/again,1,,1,5"\n',
        'GET FULL VARIABLE "${READSTATUS} ${CENTRALINO_KEYS}"\n',
    ]
    assert agi.wait_for_digit(5000) == "#"
    assert agi.wait_for_digit(5000) == ""


def test_hash_and_silence_are_told_apart() -> None:
    agi, _ = session("200 result=0", "200 result=1 (OK )")
    assert agi.read_keys("it/hello", 5) == "#"
    agi, _ = session("200 result=0", "200 result=1 (TIMEOUT )")
    assert agi.read_keys("it/hello", 5) == ""


def test_several_keys_end_with_a_hash_or_a_pause() -> None:
    for answer, keys in (("OK 123", "123"), ("OK 12", "12#"), ("TIMEOUT 1*", "1*")):
        agi, wire = session("200 result=0", f"200 result=1 ({answer})")
        assert agi.read_keys("", 1.5, 3) == keys
        assert wire.sent[0] == 'EXEC Read "CENTRALINO_KEYS,,3,,1,1.5"\n'


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    agi, _ = session("200 result=0", "200 result=49")
    agi.set_variable("NAME", "Mario Rossi")
    agi.wait_for_digit()
    assert capfd.readouterr() == ("", "")


def test_a_session_starts_in_any_thread() -> None:
    made: list[Session] = []
    thread = threading.Thread(target=lambda: made.append(session()[0]))
    thread.start()
    thread.join()
    assert made


def read_back(argument: str) -> str:
    """How Asterisk reads a quoted argument: a backslash takes the next character as it is."""
    assert argument[0] == argument[-1] == '"'
    return re.sub(r"\\(.)", r"\1", argument[1:-1])


@pytest.mark.parametrize(
    "value",
    ['"', '" "', "a\nHANGUP", "a\r\nSET VARIABLE X y", "\\", '\\"', "è 日本 \u2028", "\x00", "${SYSTEM(rm)}"],
)
def test_a_value_stays_one_argument_on_one_line(value: str) -> None:
    agi, wire = session("200 result=0")
    agi.set_variable("NAME", value)
    assert len(wire.sent) == 1
    assert wire.sent[0].count("\n") == 1
    assert "\r" not in wire.sent[0]


@given(st.text())
def test_any_text_is_read_back_as_it_was_save_for_control_characters(value: str) -> None:
    quoted = quote(value)
    assert not re.search(r'(?<!\\)(?:\\\\)*"', quoted[1:-1]), "an unescaped quote inside"
    assert read_back(quoted) == re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]", " ", value)


@given(st.text(), st.text())
def test_no_argument_of_any_command_makes_a_second_line(name: str, value: str) -> None:
    agi, wire = session("200 result=0")
    agi.execute(name, value)
    assert "".join(wire.sent).count("\n") == 1


def test_a_plain_script_speaks_on_its_file_descriptors() -> None:
    from_asterisk, to_us = os.pipe()
    from_us, to_asterisk = os.pipe()
    os.write(to_us, ("\n".join(HEADER) + "\n200 result=0\n").encode())
    os.close(to_us)
    wire = FileWire(from_asterisk, to_asterisk)
    agi = Session(wire)
    agi.set_variable("CITTÀ", "Trezzo sull'Adda")
    assert os.read(from_us, 1000).decode() == 'SET VARIABLE "CITTÀ" "Trezzo sull\'Adda"\n'
    with pytest.raises(HungUp):
        agi.answer()
    wire.close()
    for descriptor in (from_asterisk, from_us, to_asterisk):
        os.close(descriptor)
