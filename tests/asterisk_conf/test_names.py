"""The code and the Asterisk configuration name the same things: each of the code's names is used there, and
the configuration has none that the code does not know."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from call_routing import names
from call_routing.exchange import TEMPLATES, write_configuration
from call_routing.names import Context, Outcome, PauseReason, Queue, Script, Sound, Variable
from desk.keyring import open_keyring
from desk.settings import PROJECT, Settings
from desk.town import Town

#: Contexts that only the worker's calls enter.
OURS = {
    Context.PAUSED,
    Context.CALL_BACK,
    Context.CALLED_BACK,
    Context.VOICE_NOTICE,
    Context.NOTIFIED,
    Context.LISTENING,
}

Sections = dict[str, list[tuple[str, str]]]


def sections(path: Path) -> Sections:
    """The (key, value) pairs of each section of a written file; sections of one name are joined."""
    found: Sections = defaultdict(list)
    current = ""
    for raw in path.read_text(encoding="utf-8").splitlines():
        line = re.sub(r"(^|\s);.*", "", raw).strip()
        if header := re.match(r"\[(.+?)\]", line):
            current = header[1]
            found[current]  # a section may be empty
        elif line:
            key, _, value = line.partition("=")
            found[current].append((key.strip(), value.lstrip("> ").strip()))
    return found


@pytest.fixture
def dialplan(etc: Path) -> str:
    """The dialplan without its comments."""
    text = (etc / "extensions.conf").read_text(encoding="utf-8")
    return "\n".join(line for line in text.splitlines() if not line.startswith(";"))


def test_contexts(etc: Path) -> None:
    assert set(sections(etc / "extensions.conf")) - {"general"} == set(Context)
    used = {
        value for rows in sections(etc / "pjsip.conf").values() for key, value in rows if key == "context"
    }
    assert used == {Context.FROM_TRUNK, Context.PHONES}
    # What only the worker may begin: nobody calls into these, and nothing jumps there.
    assert not used & OURS
    transfers = {
        value for rows in sections(etc / "pjsip.conf").values() for key, value in rows if key == "set_var"
    }
    assert transfers == {f"TRANSFER_CONTEXT={Context.PHONES}"}


def test_every_jump_leads_somewhere(etc: Path, dialplan: str) -> None:
    extensions = {
        (context, value.split(",")[0])
        for context, rows in sections(etc / "extensions.conf").items()
        for key, value in rows
        if key == "exten"
    }
    jumps = re.findall(r"(?:Goto\(|Gosub\(|\?|hangup_handler_push\)=)([\w-]+),(\w+),1\)", dialplan)
    assert jumps
    assert {(context, extension) for context, extension in jumps} <= extensions
    # Calls begin in some, the worker begins in others, and two are subroutines.
    reached = {Context.FROM_TRUNK, Context.PHONES}
    reached |= {*OURS, Context.PRESSED_1, Context.NOTICE}
    assert {context for context, _ in jumps} == set(Context) - reached
    assert {extension for context, extension in jumps if context != Context.DIRECT} == {names.START}
    assert {extension for context, extension in jumps if context == Context.DIRECT} == {"390200000301"}


def test_an_offices_number_leads_to_the_office_however_the_trunk_writes_it(etc: Path) -> None:
    rows = [value for key, value in sections(etc / "extensions.conf")[Context.FROM_TRUNK] if key == "exten"]
    assert [row.split(",")[0] for row in rows if "direct" in row] == [
        "+390200000301",
        "00390200000301",
        "390200000301",
        "0200000301",
    ]


def test_variables(dialplan: str, town: Town) -> None:
    used = set(re.findall(r"CENTRALINO_\w+", dialplan))
    silent = {name for name in used if name.startswith(names.SILENT)}
    assert used - silent == set(Variable)
    # One for each of the two phones of a place, and the one that *22 puts together.
    phones = {name for p in town.phones for name in (p.extension, names.web_phone(p.extension))}
    assert silent == {names.SILENT, *(names.SILENT + phone for phone in phones)}


def test_who_is_between_two_rounds_is_counted(dialplan: str) -> None:
    assert set(re.findall(r"GROUP\((\w+)\)", dialplan)) == {names.GROUP}
    assert f"Set(GROUP({names.GROUP})={names.BETWEEN})" in dialplan
    assert re.findall(r"UserEvent\((\w+),Since: ", dialplan) == [names.BETWEEN_EVENT] * 2
    assert set(re.findall(r"QueueLog\((\w+),", dialplan)) == {Queue.DESK}


def test_outcomes(dialplan: str) -> None:
    assert set(re.findall(rf'"\$\{{{Variable.OUTCOME}\}}" !?= "(\w+)"', dialplan)) == set(Outcome)


def test_agi_scripts(dialplan: str) -> None:
    assert set(re.findall(r"AGI\(agi://[\d.:]+/(\w+)[,)]", dialplan)) == set(Script)
    for script in Script:
        assert (PROJECT / "agi_scripts" / f"{script}.py").exists()


def test_queues(etc: Path, dialplan: str, town: Town) -> None:
    queues = sections(etc / "queues.conf")
    own = {names.phone_queue(phone.extension) for phone in town.phones}
    assert set(queues) - {"general", "phone-queue"} == {*Queue, *own}
    for phone in town.phones:
        rows = queues[names.phone_queue(phone.extension)]
        assert ("timeout", str(phone.ring_seconds)) in rows
        assert [value for key, value in rows if key == "member"] == [
            f"{interface},0,{phone.extension}" for interface in reversed(names.interfaces(phone.extension))
        ]
    called = set(re.findall(r"Queue\(([\w-]+)", dialplan))
    assert called == {*Queue, names.PHONE_QUEUE, names.phone_queue("301")}
    assert set(re.findall(r"QUEUE_MEMBER\(([\w-]+)", dialplan)) == {*Queue, names.PHONE_QUEUE}
    assert set(re.findall(r"QUEUE_PRIO=\$\[(\d+) -", dialplan)) == {str(names.LAST_SECOND)}
    assert set(re.findall(r"Queue:([\w-]+?)_pause_", dialplan)) == own
    assert set(sections(etc / "queuerules.conf")) == {names.BACK_OFFICE_FIRST}
    assert ("defaultrule", names.BACK_OFFICE_FIRST) in queues[Queue.DESK]


def test_sounds(dialplan: str) -> None:
    assert set(re.findall(r"/(?:it|en|\$\{CHANNEL\(language\)\})/([\w.]+)[,&)]", dialplan)) == set(Sound)
    assert dialplan.count("Playback(") + dialplan.count("Read(") == len(Sound)
    for language in ("it", "en"):
        catalogue = tomllib.loads((PROJECT / "prompts" / f"{language}.toml").read_text(encoding="utf-8"))
        for sound in Sound:
            entry = catalogue
            for part in sound.split("."):
                entry = entry[part]


def test_endpoints_and_users(etc: Path, town: Town) -> None:
    pjsip = sections(etc / "pjsip.conf")
    endpoints = {"trunk", "phone", "web-phone", "endpoint", *(phone.extension for phone in town.phones)}
    endpoints |= {names.web_phone(phone.extension) for phone in town.phones}
    assert names.TRUNK in pjsip
    transports = {"transport-udp", "transport-ws", "transport-wss"}
    assert set(pjsip) == endpoints | transports | {
        "global",
        "trunk-addresses",
        "phone-address",
        "web-address",
    }
    # A phone in a page has no password in a file.
    assert not any(key == "password" for key, _ in pjsip[names.web_phone("201")])
    (kept,) = [value for key, value in sections(etc / "sorcery.conf")["res_pjsip"] if "astdb" in value]
    assert kept == f"astdb,{names.WEB_PHONES}"
    assert [value for key, value in pjsip["trunk-addresses"] if key == "match"] == [
        "127.0.0.1/32",
        "192.0.2.7",
    ]
    assert [value for key, value in pjsip[names.TRUNK] if key == "contact"] == ["sip:192.0.2.7:5060"]
    assert set(sections(etc / "manager.conf")) == {"general", names.AMI_USER, names.CONSOLE_USER}


def test_extensions(etc: Path, town: Town) -> None:
    extensions = [phone.extension for phone in town.phones]
    rows = sections(etc / "extensions.conf")[Context.PHONES]
    entries = [value.split(",") for key, value in rows if key == "exten"]
    lamps = {entry[0]: entry[2] for entry in entries if entry[1] == "hint"}
    assert lamps == {
        names.OVERRIDE: names.LAMP,
        **{
            names.PAUSE_KEY + extension: f"Queue:{names.phone_queue(extension)}_pause_PJSIP/{extension}"
            for extension in extensions
        },
    }
    dialled = [entry[0] for entry in entries if entry[1] == "1"]
    assert extensions == ["201", "101", "102", "301"]
    assert dialled == [names.PAUSE_KEY, *extensions, names.OVERRIDE]
    members = [
        value.split(",")[:2] for key, value in sections(etc / "queues.conf")[Queue.DESK] if key == "member"
    ]
    assert members == [
        [phone, penalty]
        for extension, penalty in (("201", "0"), ("101", "1"), ("102", "1"))
        for phone in reversed(names.interfaces(extension))
    ]


#: The one way out: an Italian geographic or mobile number, of which nothing but digits is dialled.
OUT = ("_+39[03]XXXXX!", f"PJSIP/+${{FILTER(0-9,${{EXTEN}})}}@{names.TRUNK}")


def test_no_way_out(etc: Path, town: Town) -> None:
    ways = {
        (context, extension, dialled)
        for context, rows in sections(etc / "extensions.conf").items()
        for extension, application in _steps(rows)
        for dialled in re.findall(r"Dial\((.+?)(?:,[^{}]*)?,\d+", application)
    }
    inside = {
        (Context.PHONES, p.extension, phone) for p in town.phones for phone in names.interfaces(p.extension)
    }
    assert ways == inside | {(Context.CALLED_BACK, *OUT), (Context.NOTIFIED, *OUT)}


def test_nothing_leads_to_the_way_out(etc: Path, dialplan: str) -> None:
    assert not re.search(r"\b(System|TrySystem|Originate|ChannelRedirect|include|switch)\b", dialplan)
    # Not by a jump, a subroutine, a transfer, nor a local channel; only the worker's calls run subroutines.
    assert not re.search(r"\bLocal/", dialplan)
    for context in (Context.CALL_BACK, Context.CALLED_BACK, Context.NOTIFIED):
        assert re.findall(rf".*(?<![\w/-]){context}(?![\w.-]).*", dialplan) == [f"[{context}]"]
    for application in re.findall(r"\b(?:Goto|GotoIf|Gosub|GosubIf)\(.*", dialplan):
        # No jump's target depends on what a caller says. An office's line goes on within its own extension,
        # one of those that the trunk's numbers lead to.
        if application == f"Goto(${{{Variable.LINE}}},ring)":
            continue
        assert "$" not in re.split(r"[?(]", application)[-1], application
    assert set(re.findall(rf"Set\({Variable.LINE}=.*", dialplan)) == {f"Set({Variable.LINE}=${{EXTEN}})"}
    assert dialplan.count(Context.PRESSED_1) == dialplan.count(f"U({Context.NOTICE}^") + 1 == 2
    pjsip = (etc / "pjsip.conf").read_text(encoding="utf-8")
    assert not any(context in pjsip for context in OURS - {Context.PAUSED})


def _steps(rows: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The extension and the application of each step of a context."""
    extension = ""
    for key, value in rows:
        if key == "exten":
            extension, _, value = value.partition(",")
        yield extension, value


def test_a_label_cannot_add_settings(etc: Path) -> None:
    (callerid,) = (value for key, value in sections(etc / "pjsip.conf")["201"] if key == "callerid")
    assert callerid == '"Ufficio  A    x  auth none" <201>'


@pytest.mark.parametrize(
    "uri", ["sip:192.0.2.7\nauth = x", "sip:192.0.2.7;x", "tel:1", "192.0.2.7", "sip:a b"]
)
def test_a_trunk_cannot_add_settings(uri: str) -> None:
    with pytest.raises(ValidationError):
        Settings(trunk_uri=uri)


@pytest.mark.parametrize("user", ["a\nb", "a;b", "a b", "a@b", "[a]"])
def test_a_trunks_user_cannot_add_settings(user: str) -> None:
    with pytest.raises(ValidationError):
        Settings(trunk_uri="sip:192.0.2.7", trunk_user=user)


def test_a_trunk_that_wants_a_password_has_one_and_registers(tmp_path: Path, town: Town) -> None:
    def written(**changes: Any) -> Sections:
        settings = Settings(home=tmp_path, asterisk_root=Settings().asterisk_program_root, **changes)
        keyring = open_keyring(tmp_path, extensions=[phone.extension for phone in town.phones], logins=[])
        return sections(write_configuration(settings, keyring, town) / "pjsip.conf")

    trunk = {"trunk_uri": "sip:voip.example:5060", "trunk_user": "0290000000"}
    rows = written(**trunk)[names.TRUNK]
    (password,) = (value for key, value in rows if key == "password")
    assert password == open_keyring(tmp_path, extensions=(), logins=()).trunk_password
    assert {("type", "registration"), ("client_uri", "sip:0290000000@voip.example")} <= set(rows)
    rows = written(**trunk, trunk_password="of;the provider", trunk_register=False)[names.TRUNK]
    assert ("password", r"of\;the provider") in rows
    assert ("type", "registration") not in rows
    for wrong in ("a\nb = c", " a"):
        with pytest.raises(ValueError, match="password"):
            written(**trunk, trunk_password=wrong)
    with pytest.raises(ValidationError, match="TRUNK_URI"):
        Settings(trunk_user="0290000000")


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        ("sip:voip.example", "voip.example"),
        ("sip:198.51.100.7:5060", "198.51.100.7"),
        ("sips:a@voip.example:5061", "voip.example"),
        ("sip:[2001:db8::7]:5060", "[2001:db8::7]"),
        ("", ""),
    ],
)
def test_the_providers_host(uri: str, host: str) -> None:
    assert Settings(trunk_uri=uri).trunk_domain == host


def test_all_templates_are_written_and_filled(etc: Path) -> None:
    assert {path.name for path in etc.iterdir()} == {path.name for path in TEMPLATES.glob("*.conf")}
    for path in etc.iterdir():
        assert not re.search(r"\{\{|\{%|None", path.read_text(encoding="utf-8")), path.name
        assert path.stat().st_mode & 0o777 == 0o640


def test_the_readme_names_them_all() -> None:
    readme = (TEMPLATES / "README.md").read_text(encoding="utf-8")
    for group in (Context, Queue, Script, Variable, Outcome, PauseReason, Sound):
        for name in group:
            assert f"`{name}`" in readme, name
    for other in (
        names.PHONE_QUEUE,
        names.TRUNK,
        names.AMI_USER,
        names.CONSOLE_USER,
        names.WEB_PHONES,
        names.TRY_IT,
        names.WEB_PHONE,
        names.BACK_OFFICE_FIRST,
        names.OVERRIDE,
        names.LAMP,
        names.LIT,
        names.DARK,
        names.SILENT,
        names.BETWEEN,
        names.BETWEEN_EVENT,
    ):
        assert f"`{other}`" in readme, other
