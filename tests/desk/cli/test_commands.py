"""The command line: what a person at a terminal, or a monitoring program, gets."""

from __future__ import annotations

import fcntl
import json
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from desk.cli import COMMANDS, health, main
from desk.cli.health import Finding, examine
from desk.db import connect, migrate, reading, sessions, transaction
from desk.demo import demo_logins, load_demo
from desk.keyring import open_keyring
from desk.models import Audit, Citizen, Consent, IdentityDocument, Message, Operator, Request, Role
from desk.operators import verify_password
from desk.settings import Settings

#: 1 requests, 1 of civil status, 1 birth, 1 for me, birth date, 1 copy, 1 at the counter, 1 confirm.
CERTIFICATE = "1111" + "15031980" + "111"
GIULIA = "3331112201"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a system whose ports nobody listens on."""
    monkeypatch.setenv("CENTRALINO_ASTERISK_ROOT", str(Settings().asterisk_program_root))
    monkeypatch.setenv("CENTRALINO_HOME", str(tmp_path))
    for name in ("SIP", "AGI", "AMI", "WEB"):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            monkeypatch.setenv(f"CENTRALINO_{name}_PORT", str(probe.getsockname()[1]))
    return tmp_path


@pytest.fixture
def town(home: Path) -> Settings:
    """The same with the demo town in its database."""
    settings = Settings()
    migrate(settings.url)
    keyring = open_keyring(home, extensions=(), logins=demo_logins())
    with transaction(sessions(connect(settings.url))) as session:
        load_demo(session, keyring, datetime.now(UTC))
    return settings


def run(*words: str, typed: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(main, words, input=typed)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_every_command_explains_itself() -> None:
    code, text = run("--help")
    assert code == 0
    for command in COMMANDS:
        assert command in text
        assert run(command, "--help")[0] == 0


def test_status_of_a_system_that_is_down(town: Settings) -> None:
    code, text = run("status", "--json")
    answer = json.loads(text)
    assert code == 1
    assert answer["ok"] is False
    assert answer["parts"]["database"]["ok"] is True
    assert [name for name, part in answer["parts"].items() if not part["ok"]] == [
        "asterisk",
        "agi",
        "web",
        "worker",
    ]
    code, text = run("status")
    assert code == 1
    assert text.count("DOWN") == 4


def test_the_doctor_names_the_setting_that_an_sms_sender_lacks(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CENTRALINO_SMS_SENDER", "twilio")
    (found,) = (finding for finding in examine(Settings()) if finding.what == "SMS")
    assert (found.ok, found.detail) == (False, "CENTRALINO_TWILIO_ACCOUNT_SID is not set")


def test_the_doctor_names_a_remedy_for_all_that_is_missing(home: Path) -> None:
    findings = {finding.what: finding for finding in examine(Settings())}
    for what in ("database", "secrets", "prompts"):
        assert not findings[what].ok
        assert "centralino" in findings[what].remedy
    assert findings["Asterisk"].ok
    assert findings["SIP port"].ok
    assert findings["SMS"].detail == "by file (printed, not sent)"
    code, text = run("doctor")
    assert code == 1
    assert "-> run: centralino prepare" in text


def test_the_doctor_says_when_the_console_was_not_built(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def found() -> Finding:
        return next(finding for finding in examine(Settings()) if finding.what == "console")

    assert found().ok
    monkeypatch.setattr(health, "PROJECT", home)
    assert not found().ok
    assert "./bootstrap" in found().remedy


def test_an_administrator_is_made_and_let_in_again(town: Settings) -> None:
    code, text = run("operator", "add", "eva", "--name", "Eva Conti")
    assert code == 0
    database = sessions(connect(town.url))
    with reading(database) as session:
        eva = verify_password(session, "eva", text.strip(), now=datetime.now(UTC))
        assert eva is not None
        assert eva.role is Role.ADMIN
    assert run("operator", "add", "eva", "--name", "Eva")[0] == 1
    assert run("operator", "add", "Eva X", "--name", "Eva")[0] == 1
    code, again = run("operator", "reset-password", "eva")
    with reading(database) as session:
        assert verify_password(session, "eva", text.strip()) is None
        assert verify_password(session, "eva", again.strip()) is not None
    assert run("operator", "drop-two-step", "eva")[0] == 0
    assert run("operator", "reset-password", "nobody")[0] == 1
    assert "eva  Eva Conti  admin" in run("operator", "list")[1]


def test_the_doctor_sees_a_port_that_is_taken(town: Settings) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", town.web_port))
        squatter.listen()
        finding = next(f for f in examine(town) if f.what == "web port")
    assert not finding.ok
    assert "CENTRALINO_WEB_PORT" in finding.remedy


def test_the_doctor_sees_secrets_that_others_can_read(town: Settings) -> None:
    (town.home / "keyring.toml").chmod(0o644)
    finding = next(f for f in examine(town) if f.what == "secrets")
    assert not finding.ok
    assert "chmod 600" in finding.remedy


def test_a_simulated_call_files_a_request_like_a_real_one(town: Settings) -> None:
    code, text = run("simulate", "--caller", GIULIA, "--keys", CERTIFICATE)
    assert code == 0, text
    with reading(sessions(connect(town.url))) as session:
        request = session.scalars(select(Request)).one()
        message = session.scalars(select(Message)).one()
    assert request.reference in message.body
    assert "Il numero della richiesta è" in text
    assert "[hung_up at more]" in text


def test_a_simulated_call_is_typed_line_by_line(town: Settings) -> None:
    code, text = run("simulate", typed="x\n3\n1\nh\n")
    assert code == 0
    assert "Nei prossimi giorni:" in text
    assert "Type keys" in text


def test_simulate_without_a_database_says_what_to_do(home: Path) -> None:
    code, text = run("simulate", "--keys", "1")
    assert code == 1
    assert "prepare" in text


def test_simulate_refuses_what_is_no_number(town: Settings) -> None:
    assert run("simulate", "--caller", "hello")[0] == 2


def test_call_says_what_is_not_running(town: Settings) -> None:
    code, text = run("call")
    assert code == 1
    assert "make run" in text


def test_the_prompts_are_checked_and_written_out(home: Path) -> None:
    assert run("prompts", "check", "--texts-only") == (0, "0 problems in the prompts\n")
    assert run("prompts", "check")[0] == 1
    code, text = run("prompts", "script", "it")
    assert code == 0
    assert "certificate.filed" in text


def test_keep_starts_a_process_again_and_ends_with_it(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    program = (
        f"marks = {str(marks)!r}; open(marks, 'a').write('x');"
        "import time; time.sleep(0 if len(open(marks).read()) < 2 else 60)"
    )
    keeper = subprocess.Popen(
        [sys.executable, "-m", "desk.cli", "keep", sys.executable, "-c", program], stderr=subprocess.PIPE
    )
    try:
        deadline = time.monotonic() + 30
        while not (marks.exists() and marks.read_text() == "xx"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        keeper.send_signal(signal.SIGTERM)
        _, errors = keeper.communicate(timeout=10)
    finally:
        keeper.kill()
    assert keeper.returncode == 0
    assert b"starting it again" in errors


def test_each_office_has_a_calendar_address(town: Settings) -> None:
    code, output = run("calendars")
    addresses = [line.rsplit(": ", 1)[1] for line in output.splitlines()]
    assert code == 0
    assert len(set(addresses)) == 4
    assert all(address.startswith(f"http://127.0.0.1:{town.web_port}/calendars/") for address in addresses)


def test_a_home_that_cannot_be_written_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "file").touch()
    monkeypatch.setenv("CENTRALINO_HOME", str(home / "file" / "home"))
    code, said = run("up")
    assert code == 1
    assert f"{home / 'file' / 'home'} cannot be written" in said
    assert "CENTRALINO_HOME" in said


def test_a_second_system_on_one_home_is_refused(home: Path) -> None:
    with (home / "running.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, said = run("up")
    assert code == 1
    assert "already running" in said


def test_a_key_is_made_shown_once_listed_and_revoked(town: Settings) -> None:
    code, key = run("api-key", "create", "site", "--scope", "requests:read", "--scope", "reports:write")
    assert code == 0
    _, prefix, secret = key.strip().split("_")
    code, text = run("api-key", "list")
    assert f"{prefix}  site  reports:write, requests:read  never used  120/min" in text
    assert secret not in text
    assert run("api-key", "revoke", prefix)[0] == 0
    assert "revoked" in run("api-key", "list")[1]
    assert run("api-key", "revoke", prefix)[0] == 1
    assert run("api-key", "create", "site", "--scope", "everything")[0] == 2


def test_a_subscription_is_made_listed_and_ended(town: Settings) -> None:
    code, text = run("events", "subscribe", "https://other.example/hook", "--kind", "request.filed")
    assert code == 0
    made, secret = text.split("\nSecret: ")
    assert len(secret.strip()) == 64
    assert run("events", "list")[1] == f"{made}  https://other.example/hook  request.filed\n"
    assert run("events", "unsubscribe", made)[0] == 0
    assert run("events", "list")[1] == ""
    assert run("events", "unsubscribe", made)[0] == 1
    assert run("events", "subscribe", "http://other.example/")[0] == 1


def test_the_web_channels_commands_say_when_the_database_is_away(home: Path) -> None:
    for words in (("api-key", "list"), ("events", "list")):
        code, text = run(*words)
        assert (code, "Error: the database cannot be used" in text) == (1, True)


def test_a_backup_and_a_restore_onto_a_new_machine(town: Settings, tmp_path: Path) -> None:
    code, text = run("backup")
    assert code == 0, text
    assert "keep a copy" in text
    (archive,) = town.backup_folder.iterdir()
    assert "keep a copy" not in run("backup")[1]

    code, text = run("restore", str(archive))
    assert code == 1
    assert "--force" in text
    code, text = run("restore", str(archive), "--force")
    assert code == 0, text
    assert "is back" in text
    with reading(sessions(connect(town.url))) as session:
        assert session.scalars(select(Operator.login)).all()
    archive.write_bytes(archive.read_bytes()[:-1])
    code, text = run("restore", str(archive), "--force")
    assert code == 1
    assert "broken" in text


def test_nothing_is_restored_onto_a_running_system(town: Settings) -> None:
    run("backup")
    (archive,) = town.backup_folder.iterdir()
    with socket.socket() as part:
        part.bind((town.agi_address, town.agi_port))
        part.listen()
        code, text = run("restore", str(archive), "--force")
    assert code == 1
    assert "Still running: agi" in text


TAX_CODE = "CLMGLI80C55F205N"


def test_a_citizen_is_exported_and_erased(town: Settings, tmp_path: Path) -> None:
    file = tmp_path / "export.json"
    assert run("citizen", "export", "--by", "anna", "--to", str(file), typed=f"{TAX_CODE}\n")[0] == 1
    assert not file.exists(), "an operator may not"
    code, text = run("citizen", "export", "--by", "admin", "--to", str(file), typed=f"{TAX_CODE}\n")
    assert code == 0, text
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_bytes())["tables"]["citizens"][0]["tax_code"] == TAX_CODE
    # What is there already is not written over, and no export is noted.
    assert run("citizen", "export", "--by", "admin", "--to", str(file), typed=f"{TAX_CODE}\n")[0] == 1
    assert run("citizen", "erase", "--by", "admin", typed=f"{TAX_CODE}\nn\n")[0] == 1
    code, text = run("citizen", "erase", "--by", "admin", "--yes", typed=f"{TAX_CODE}\n")
    assert code == 0, text
    assert "erased  citizens: 1" in text
    code, text = run("citizen", "erase", "--by", "admin", "--yes", typed=f"{TAX_CODE}\n")
    assert code == 1
    assert "No citizen has that tax code" in text
    with reading(sessions(connect(town.url))) as session:
        assert session.scalars(select(Audit.action).order_by(Audit.id)).all() == ["exported", "erased"]


def test_the_counter_notes_a_card_a_passport_and_a_withdrawn_consent(town: Settings) -> None:
    typed = f"{TAX_CODE}\n"
    code, text = run("citizen", "card", "--by", "anna", "--issued", "2026-11-23", typed=typed)
    assert (code, "valid until 15/03/2036" in text) == (0, True), text
    assert run("citizen", "card", "--by", "anna", "--issued", "1999-01-01", typed=typed)[0] == 1
    assert run("citizen", "card", "--by", "nobody", typed=typed)[0] == 1
    code, text = run("citizen", "passport", "--by", "anna", typed=typed)
    assert (code, "The message is written" in text) == (0, True), text
    code, text = run("citizen", "withdraw-consent", "--by", "anna", "--number", GIULIA, typed=typed)
    assert (code, "1 consents ended" in text) == (0, True), text
    assert run("citizen", "withdraw-consent", "--by", "anna", "--number", "x", typed=typed)[0] == 1
    code, text = run("citizen", "passport", "--by", "anna", typed=typed)
    assert (code, "somebody has to phone" in text) == (1, True), text
    with reading(sessions(connect(town.url))) as session:
        theirs = select(IdentityDocument.kind).join(Citizen).where(Citizen.tax_code == TAX_CODE)
        assert session.scalars(theirs).all() == ["electronic"]
        assert session.scalars(select(Message.template)).all() == ["passport_arrived"]
        assert session.scalars(select(Audit.detail).order_by(Audit.id)).all() == [
            "identity card",
            "passport",
            "consent",
            "passport",
        ]
        consent = session.scalars(select(Consent).where(Consent.withdrawn_at.is_not(None))).one()
        assert (consent.withdrawn_how, consent.withdrawn_by) == ("counter", "anna")
