"""A whole system at work: calls, pages and the worker leave nothing of any citizen in any log."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest
from twilio.request_validator import RequestValidator

from desk.api_keys import create_api_key
from desk.citizens import keypad_pattern
from desk.cli.health import system_parts
from desk.db import reading, transaction
from desk.demo import FILE
from desk.keyring import open_keyring
from desk.models import Message, MessageState, Scope
from desk.settings import PROJECT, Settings
from desk.sms.outbox import write_message
from tests.live.harness import OPEN, PATIENCE, System, environment_for, wait_until
from tests.live.people import BIRTH_FOR_SELF, GIULIA, LUCA
from webhooks.client import Client, Refused
from webhooks.schemas import Applicant, CertificateRequest, ConsentWithdrawal, Contact

pytestmark = pytest.mark.live

GIULIAS_NUMBER, LUCAS_NUMBER, LANDLINE = "+393331112201", "+393331112203", "+39029090102"
#: Asks on the site and is not in the register.
OUTSIDER, OUTSIDERS_NAME = "RSSMRA80A01H501U", "Rossi"
SMS_PATH = "/webhooks/twilio/sms"
TWILIO = {"CENTRALINO_PUBLIC_URL": "https://desk.example", "CENTRALINO_TWILIO_AUTH_TOKEN": "token"}


def secrets() -> Iterator[str]:
    """All that the demo knows about its citizens, in every form in which a program might write it."""
    yield from (OUTSIDER, OUTSIDERS_NAME)
    for citizen in tomllib.loads(FILE.read_text(encoding="utf-8"))["citizens"]:
        yield from (citizen["first_name"], citizen["last_name"], citizen["address"], citizen["tax_code"])
        yield keypad_pattern(citizen["tax_code"])
        born = citizen["birth_date"]
        yield from (f"{born:%d%m%Y}", f"{born:%Y%m%d}", born.isoformat(), f"{born:%d/%m/%Y}")
        for number in citizen["phone_numbers"]:
            yield number.removeprefix("+39")


def found_in(text: str) -> list[str]:
    """Numbers anywhere, names as words: "John" is not in "Johnny", but a number may have any prefix."""

    def is_there(secret: str) -> bool:
        if any(character.isdigit() for character in secret):
            return secret.casefold() in text.casefold()
        return re.search(rf"(?i)\b{re.escape(secret)}\b", text) is not None

    return [secret for secret in secrets() if is_there(secret)]


def logs_of(settings: Settings) -> Mapping[str, str]:
    """Everything that any part has logged. The queue's log is data: it is read into the database."""
    files = [*settings.home.glob("*.out"), *(settings.home / "asterisk" / "log").glob("*.log")]
    return {file.name: file.read_text(encoding="utf-8", errors="replace") for file in files}


class Desk:
    """Somebody at the console."""

    def __init__(self, settings: Settings) -> None:
        self._base = f"http://{settings.web_address}:{settings.web_port}"
        self._browser = build_opener(HTTPCookieProcessor(CookieJar()))
        self._token = ""

    def ask(self, path: str, **form: str) -> tuple[int, str]:
        data = urlencode({**form, "csrf_token": self._token}).encode() if form else None
        try:
            with self._browser.open(f"{self._base}{path}", data, timeout=PATIENCE) as answer:
                status, page = answer.status, answer.read().decode(errors="replace")
        except HTTPError as refused:
            status, page = refused.code, refused.read().decode(errors="replace")
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        self._token = token.group(1) if token else self._token
        return status, page


@contextmanager
def _web(system: System) -> Iterator[Desk]:
    with (system.settings.home / "web.out").open("ab") as out:
        web = subprocess.Popen(
            [sys.executable, "-m", "desk.cli", "web"],
            cwd=PROJECT,
            env=environment_for(system.settings) | TWILIO,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: system_parts(system.settings)["web"].ok, "the pages are there")
        yield Desk(system.settings)
    finally:
        web.terminate()
        web.wait(PATIENCE)


def _calls(system: System) -> str:
    """One who is recognised, one who types a tax code, one who reaches a person; a request's reference."""
    call = system.call(caller=GIULIAS_NUMBER, keys=BIRTH_FOR_SELF + GIULIA.born)
    call.hear(system.prompt("certificate.copies"))
    call.press("111")
    request = system.request(GIULIAS_NUMBER)
    call.hang_up()
    typed = system.call(caller=LUCAS_NUMBER, keys=BIRTH_FOR_SELF + "01011970")
    typed.hear(system.prompt("identify.no_match"))
    typed.hang_up()
    operator = system.phone("201", answer_after=0)
    person = system.call(caller=LUCAS_NUMBER, keys="10")
    operator.answered()
    person.hang_up()
    with system.database_gone():
        left = system.call(caller=LUCAS_NUMBER, keys="1")
        left.answered()
        left.hang_up()
    return request.reference


def _pages(desk: Desk, settings: Settings, reference: str) -> None:
    password = open_keyring(settings.home, extensions=(), logins=()).operator_passwords["admin"]
    desk.ask("/console/login")
    status, page = desk.ask("/console/login", login="admin", password=password)
    assert (status, "Colombo" in page) == (200, True)
    assert desk.ask(f"/console/requests/{reference}")[0] == 200
    status, page = desk.ask("/console/citizens", tax_code=GIULIA.tax_code)
    assert (status, "Giulia" in page) == (200, True)
    assert desk.ask("/console/citizens/erase", tax_code=GIULIA.tax_code, again=GIULIA.tax_code)[0] == 409
    assert GIULIAS_NUMBER in desk.ask("/console/citizens/export", tax_code=GIULIA.tax_code)[1]
    desk.ask("/console/citizens")
    assert desk.ask("/console/citizens/erase", tax_code=LUCA.tax_code, again=LUCA.tax_code)[0] == 200
    # Whatever people put into addresses.
    assert desk.ask(f"/console/requests?name=Colombo&number={GIULIAS_NUMBER}")[0] == 200
    assert desk.ask(f"/console/requests/{GIULIA.tax_code}")[0] == 404
    assert desk.ask(f"/{GIULIA.tax_code}/Colombo")[0] == 404
    assert desk.ask("/console/login", login=GIULIA.tax_code, password="Colombo")[0] in (200, 403)


def _site(system: System, reference: str) -> None:
    """The town's site files and reads for citizens, in vain too, and one withdraws consent."""
    settings = system.settings
    with transaction(system.database) as session:
        key = create_api_key(session, name="site", scopes=list(Scope), now=datetime.now(UTC))
    site = Client(f"http://{settings.web_address}:{settings.web_port}", key)
    contact = Contact(phone=GIULIAS_NUMBER, sms_consent="web-1")
    wanted = CertificateRequest(
        tax_code=GIULIA.tax_code, certificate="birth", delivery="home", subject_name="Giulia", contact=contact
    )
    assert reference in {item.reference for item in site.requests_of(GIULIA.tax_code).items}
    site.file_certificate(wanted)
    with pytest.raises(Refused):
        site.file_certificate(wanted.model_copy(update={"certificate": "nobility"}))
    with pytest.raises(Refused):
        site.request(GIULIA.tax_code)
    outside = CertificateRequest(
        tax_code=OUTSIDER,
        applicant=Applicant(given_name="Mario", family_name=OUTSIDERS_NAME),
        certificate="birth",
        delivery="home",
    )
    filed = site.file_certificate(outside)
    assert site.requests_of(OUTSIDER).items == [filed]
    with pytest.raises(Refused):
        site.file_certificate(outside.model_copy(update={"certificate": "residence"}))
    assert site.withdraw_consent(ConsentWithdrawal(tax_code=GIULIA.tax_code, phone=GIULIAS_NUMBER)).withdrawn


def _twilio(system: System, body: str, *, signed: bool = True) -> int:
    """A text of Giulia's comes in; the answer's status."""
    settings = system.settings
    form = {"From": GIULIAS_NUMBER, "To": settings.town_number, "Body": body, "MessageSid": f"SM{len(body)}"}
    signature = RequestValidator(TWILIO["CENTRALINO_TWILIO_AUTH_TOKEN"]).compute_signature(
        f"{TWILIO['CENTRALINO_PUBLIC_URL']}{SMS_PATH}", form
    )
    request = Request(
        f"http://{settings.web_address}:{settings.web_port}{SMS_PATH}",
        urlencode(form).encode(),
        {"X-Twilio-Signature": signature if signed else GIULIAS_NUMBER},
    )
    try:
        with build_opener().open(request, timeout=PATIENCE) as answer:
            return int(answer.status)
    except HTTPError as refused:
        return refused.code


def _texts(system: System, reference: str) -> None:
    for body in (f"STATO {reference}", "Sono Giulia Colombo di Via Brasca 4", "STOP"):
        assert _twilio(system, body) == 200
    assert _twilio(system, "Sono Luca Brambilla", signed=False) == 403


def _voice_notice(system: System) -> None:
    """A landline is told of something."""
    now = datetime.fromisoformat(OPEN)
    with transaction(system.database) as session:
        message = write_message(
            session,
            to=LANDLINE,
            template="card_expiring",
            values={"day": "08/12/2026", "number": "02 0000 0100", "key": "2"},
            language="it",
            request_id=None,
            now=now,
        )
        notice = message.id
    citizen = system.citizen(answer_after=0)
    citizen.sound.wait_for(system.prompt("voice_notice.greeting"), timeout=2 * PATIENCE)
    citizen.sound.press("1")

    def heard() -> bool:
        with reading(system.database) as session:
            return session.get_one(Message, notice).state is MessageState.HEARD

    wait_until(heard, "the notice is heard", 2 * PATIENCE)


def _commands(system: System) -> None:
    """What administrators and the counter do at a terminal."""
    commands = (
        ["backup"],
        ["citizen", "card", "--by", "anna"],
        ["citizen", "passport", "--by", "anna"],
        ["citizen", "export", "--by", "admin", "--to", str(system.settings.home / "export.json")],
    )
    with (system.settings.home / "commands.out").open("ab") as out:
        for command in commands:
            subprocess.run(
                [sys.executable, "-m", "desk.cli", *command],
                cwd=PROJECT,
                env=environment_for(system.settings),
                input=f"{GIULIA.tax_code}\n".encode(),
                stdout=out,
                stderr=subprocess.STDOUT,
                check=False,
            )


def test_a_whole_system_at_work_leaves_nothing_of_a_citizen_in_any_log(
    system: System,
) -> None:
    with _web(system) as desk, system.worker():
        reference = _calls(system)
        wait_until((system.settings.home / "sms-printed.txt").exists, "the receipt is printed")
        _site(system, reference)
        _texts(system, reference)
        _commands(system)
        _voice_notice(system)
        _pages(desk, system.settings, reference)
    logs = logs_of(system.settings)
    # All of them were at work, and what is looked for would be found.
    assert {"agi.out", "web.out", "worker.out", "asterisk.out", "messages.log", "commands.out"} <= set(logs)
    assert "POST /webhooks/twilio/sms 403" in logs["web.out"]
    assert "POST /api/v1/consents/withdraw 200" in logs["web.out"]
    assert "rows" in logs["commands.out"]
    assert "POST /console/citizens/erase 200" in logs["web.out"]
    assert "SMS sent (printed" in logs["worker.out"]
    assert found_in(f"call of {GIULIAS_NUMBER}, Giulia") == ["Giulia", "3331112201"]
    assert {name: found_in(text) for name, text in logs.items() if found_in(text)} == {}
