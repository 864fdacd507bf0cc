from __future__ import annotations

import html
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from codicefiscale import codicefiscale
from flask.testing import FlaskClient

from console.request_list import PAGE_SIZE
from desk.call_backs import NOT_REACHED
from desk.certificates import CertificateOrder, file_certificate
from desk.citizens import register_citizen
from desk.consents import give_consent
from desk.counter_requests import SERVICES
from desk.courses import EnrolmentOrder, enrol, withdraw
from desk.db import Sessions, transaction
from desk.models import (
    CallBackDetails,
    CertificateKind,
    Channel,
    Citizen,
    CounterDetails,
    Course,
    Delivery,
    IdentifiedBy,
    LostCallDetails,
    MessageDetails,
    MessageState,
    Purpose,
    Request,
    RequestKind,
    RequestPeriod,
    RequestState,
    Stamp,
    Subject,
)
from desk.models.details import Closed
from desk.requests import change_state
from desk.settings import Settings
from tests.console.fixed import Clock, File, a_report, a_room, an_enrolment, birth_certificate

LIST = "/console/requests"
LIVE = "/console/requests/live"


@pytest.fixture
def signed_in(client: FlaskClient, anna: object) -> FlaskClient:
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/console/login").text)
    assert token
    data = {"csrf_token": token[1], "login": "anna", "password": "giusta"}
    assert client.post("/console/login", data=data).status_code == 303
    return client


def _cells(page: str) -> list[list[str]]:
    """The words of each row of the list, cell by cell, after the box that chooses it."""
    body = re.search(r"<tbody.*?</tbody>", page, re.DOTALL)
    if body is None:
        return []
    rows = re.findall(r"<tr.*?</tr>", body[0], re.DOTALL)
    return [
        [
            " ".join(html.unescape(re.sub(r"<[^>]+>", " ", cell)).split())
            for cell in re.findall(r"<t[hd].*?</t[hd]>", row)[1:]
        ]
        for row in rows
    ]


def _references(page: str) -> list[str]:
    return [row[0] for row in _cells(page)]


def _citizen(sessions: Sessions, clock: Clock, first_name: str, last_name: str) -> Citizen:
    birth_date = date(1980, 1, 1)
    tax_code = codicefiscale.encode(last_name, first_name, "M", birth_date.isoformat(), "F205")
    with transaction(sessions) as db:
        return register_citizen(
            db,
            tax_code=tax_code,
            first_name=first_name,
            last_name=last_name,
            birth_date=birth_date,
            address="Via Roma 1",
            phone_numbers=(),
            now=clock.now,
        )


def test_an_empty_list_says_so(signed_in: FlaskClient) -> None:
    assert "Nessuna richiesta aperta." in signed_in.get(LIST).text
    assert "Nessuna richiesta corrisponde" in signed_in.get(f"{LIST}?state=done").text


def test_the_list_tells_all_about_requests_of_every_channel(
    signed_in: FlaskClient, file: File, sessions: Sessions, clock: Clock
) -> None:
    maria, ugo = _citizen(sessions, clock, "Maria", "Rossi"), _citizen(sessions, clock, "Ugo", "Riva")
    first = file(citizen=maria, receipt=MessageState.SENT)
    clock.now += timedelta(hours=3)
    second = file(MessageDetails(recording=Path("m.wav")), due_on=date(2026, 11, 24))
    third = file(
        birth_certificate(subject=Subject.OTHER, copies=1, delivery=Delivery.COUNTER),
        channel=Channel.WEB,
        state=RequestState.IN_PROGRESS,
        citizen=ugo,
        assignee="anna",
    )

    birth = "Certificato di nascita"
    assert _cells(signed_in.get(LIST).text) == [
        [second.reference, "24/11/2026", "Messaggio in segreteria", "Ricevuta", "–", "–", "Telefono",
         "23/11/2026 13:00", "No"],
        [first.reference, "26/11/2026", f"{birth} Copie: 2, a domicilio", "Ricevuta", "–", "Maria Rossi",
         "Telefono", "23/11/2026 10:00", "Inviato"],
        [third.reference, "26/11/2026", f"{birth} Copie: 1, allo sportello", "In lavorazione",
         "Anna Bianchi", "Ugo Riva per un’altra persona", "Web", "23/11/2026 13:00", "No"],
    ]  # fmt: skip
    english = _cells(signed_in.get(f"{LIST}?lang=en").text)[1]
    assert english[2:4] == ["Birth certificate Copies: 2, to the home", "Received"]


def test_a_certificate_filed_by_phone_shows_its_waiting_receipt(
    signed_in: FlaskClient, sessions: Sessions, clock: Clock
) -> None:
    kind = CertificateKind(
        code="residence",
        position=1,
        civil_status=False,
        stamp_duty=Decimal("16.00"),
        secretary_fee=Decimal("0.52"),
        working_days=3,
    )
    order = CertificateOrder(
        kind="residence",
        subject=Subject.SELF,
        copies=2,
        delivery=Delivery.HOME,
        stamp=Stamp.PAID,
        identified_by=IdentifiedBy.TAX_CODE,
        contact_e164="+393331234567",
        idempotency_key="a-draft",
        sms=True,
    )
    with transaction(sessions) as db:
        db.add(kind)
        give_consent(
            db,
            e164="+393331234567",
            citizen_id=None,
            purpose=Purpose.RECEIPTS,
            text_version="1",
            how="counter",
            by="anna",
            now=clock.now,
        )
        reference = file_certificate(db, order, now=clock.now).reference

    row = _cells(signed_in.get(LIST).text)[0]
    assert (row[0], row[2], row[1], row[8]) == (
        reference,
        "Certificato di residenza Copie: 2, a domicilio",
        "26/11/2026",
        "In coda",
    )
    assert "€ 33,04" in signed_in.get(f"{LIST}/{reference}").text


def test_open_requests_are_overdue_from_the_day_after_their_due_date_in_rome(
    signed_in: FlaskClient, file: File, clock: Clock
) -> None:
    file(due_on=date(2026, 11, 26), state=RequestState.DONE)
    file(due_on=date(2026, 11, 26), state=RequestState.WAITING_CITIZEN)

    def overdue() -> list[bool]:
        return ["Scaduta" in row[1] for row in _cells(signed_in.get(f"{LIVE}?state=all").text)]

    for now, expected in (("2026-11-26T22:59:59+00:00", False), ("2026-11-26T23:00:00+00:00", True)):
        clock.now = clock.now.fromisoformat(now)
        # The session would be over after days: only the list is looked at here.
        with signed_in.session_transaction() as session:
            session["seen"] = session["began"] = int(clock.now.timestamp())
        assert overdue() == [False, expected]


@pytest.mark.parametrize("sort", ["due", "newest"])
def test_the_others_are_on_further_pages_even_when_new_ones_arrive(
    signed_in: FlaskClient, file: File, sort: str
) -> None:
    filed = [file().reference for _ in range(PAGE_SIZE + 3)]
    if sort == "newest":
        filed.reverse()
    begin = signed_in.get(f"{LIST}?sort={sort}&channel=phone").text
    assert _references(begin) == filed[:PAGE_SIZE]
    assert "Torna all’inizio" not in begin

    following = re.search(r'rel="next" href="([^"]+)"', begin)
    assert following
    # What comes in between is on the first page of the newest, and at the end of what is due.
    late = file().reference
    page = signed_in.get(html.unescape(following[1])).text
    assert _references(page) == filed[PAGE_SIZE:] + ([late] if sort == "due" else [])
    assert 'rel="next"' not in page
    assert "Torna all’inizio" in page
    assert 'value="phone" selected' in page


@pytest.mark.parametrize("after", ["", "x", "-1", "0", "1e3", "9" * 30, "77"])
def test_a_page_that_begins_nowhere_is_the_first(signed_in: FlaskClient, file: File, after: str) -> None:
    request = file()
    nonsense = {"after": after, "state": "x", "kind": after, "since": "2026-13-45", "until": "9999-12-31"}
    assert _references(signed_in.get(LIST, query_string=nonsense).text) == [request.reference]


def test_the_live_list_is_sent_again_only_when_something_changed(
    signed_in: FlaskClient, file: File, sessions: Sessions, clock: Clock
) -> None:
    request = file()
    page = signed_in.get(f"{LIST}?state=all").text
    live = re.search(r'data-url="([^"]+)"', page)
    assert live
    address = html.unescape(live[1])
    version = re.search(r'data-version="([^"]+)"', page)
    assert version
    known = {"If-None-Match": html.unescape(version[1])}
    unchanged = signed_in.get(address, headers=known)
    assert (unchanged.status_code, unchanged.data) == (304, b"")

    with transaction(sessions) as db:
        row = db.get_one(Request, request.id)
        change_state(db, row, RequestState.IN_PROGRESS, by="anna", now=clock())
    changed = signed_in.get(address, headers=known)
    assert changed.status_code == 200
    assert _cells(changed.text)[0][3] == "In lavorazione"
    assert signed_in.get(address, headers={"If-None-Match": changed.headers["ETag"]}).status_code == 304

    file()
    assert signed_in.get(address, headers={"If-None-Match": changed.headers["ETag"]}).status_code == 200


def test_the_live_list_needs_a_log_in_and_never_redirects(client: FlaskClient, file: File) -> None:
    file()
    answer = client.get(LIVE)
    assert (answer.status_code, answer.data) == (401, b"")


def test_the_list_is_a_table_that_a_screen_reader_can_read(signed_in: FlaskClient, file: File) -> None:
    file()
    page = signed_in.get(LIST).text
    assert page.count('scope="col"') == len(_cells(page)[0]) + 1 == 10
    assert page.count('scope="row"') == 1
    for part in (
        "<main",
        "<header",
        "<nav",
        'aria-live="polite"',
        'href="#content"',
        "<caption",
    ):
        assert part in page


def test_a_request_is_shown_in_full(
    signed_in: FlaskClient, file: File, sessions: Sessions, clock: Clock
) -> None:
    request = file(
        birth_certificate(identity_recording=Path("spool/identity.wav")), receipt=MessageState.FAILED
    )
    with transaction(sessions) as db:
        kept = db.get_one(Request, request.id)
        kept.periods[0].ended_at = clock.now + timedelta(hours=1)
        later = clock.now + timedelta(hours=1)
        kept.periods.append(
            RequestPeriod(state=RequestState.DONE, started_at=later, by="anna", assignee="anna", note="ecco")
        )
    page = signed_in.get(f"{LIST}/{request.reference}").text

    facts = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page))
    assert facts["Consegna"] == "A domicilio"
    assert facts["Importo comunicato"] == "€ 0,00"
    assert facts["Ricevuta SMS"] == "Non riuscito"
    assert facts["Richiedente"] == "Non identificato"
    assert [row[0] for row in _plain_rows(page)] == ["Ricevuta", "Conclusa"]
    assert _plain_rows(page)[1][1:] == [
        "23/11/2026 11:00",
        "In corso",
        "Anna Bianchi",
        "Anna Bianchi",
        "ecco",
    ]
    assert "La registrazione non è più disponibile." in page
    assert _plain_rows(page[page.index('id="messages"') :]) == [
        ["Ricevuta della richiesta", "Non riuscito", "23/11/2026 10:00", "twilio: 400 21211"]
    ]


def test_the_words_of_a_text_message_are_shown(signed_in: FlaskClient, file: File) -> None:
    request = file(MessageDetails(text="Il lampione <b>è</b> spento"), channel=Channel.SMS)
    page = signed_in.get(f"{LIST}/{request.reference}").text
    facts = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page))
    assert html.unescape(facts["Testo"]) == "Il lampione <b>è</b> spento"
    assert "<b>è</b>" not in page
    assert 'id="messages"' not in page


def _facts(page: str) -> dict[str, str]:
    return {name: html.unescape(value) for name, value in re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page)}


def test_courses_and_rooms_that_are_gone_are_shown_by_their_codes(signed_in: FlaskClient, file: File) -> None:
    course = _facts(signed_in.get(f"{LIST}/{file(an_enrolment()).reference}").text)
    assert (course["Corso"], course["Importo comunicato"]) == ("ceramics", "€ 85,00")
    page = signed_in.get(f"{LIST}/{file(a_room()).reference}").text
    room = _facts(page)
    assert (room["Sala"], room["Motivo"], room["Quando"], room["Persone previste"]) == (
        "civic_hall",
        "Altro",
        "12/12/2026, mattina",
        "30",
    )
    assert "Generalità del chiamante" in page


def test_enrolments_show_who_has_a_place_and_who_waits(
    signed_in: FlaskClient, sessions: Sessions, clock: Clock
) -> None:
    with transaction(sessions) as db:
        db.add(
            Course(
                code="ceramics",
                position=1,
                name_it="Laboratorio di ceramica",
                name_en="Ceramics workshop",
                enrolment_opens=clock.now,
                enrolment_closes=clock.now + timedelta(days=9),
                first_lesson=clock.now + timedelta(days=20),
                fee=Decimal("85.00"),
                places=1,
                waiting_list=3,
            )
        )
    with transaction(sessions) as db:
        made = [
            enrol(
                db,
                EnrolmentOrder(
                    course="ceramics",
                    contact_e164=f"+39333123456{caller}",
                    identified_by=IdentifiedBy.SPOKEN,
                    idempotency_key=f"k{caller}",
                    may_wait=True,
                    sms=True,
                    consent_text="phone-1",
                ),
                now=clock.now,
            )
            for caller in range(3)
        ]
        references = [enrolment.request.reference for enrolment in made]
        first = made[0].id

    def places(language: str = "it") -> list[str]:
        pages = [signed_in.get(f"{LIST}/{reference}?lang={language}").text for reference in references]
        return [_facts(page)["Posto" if language == "it" else "Place"] for page in pages]

    assert places() == ["Assegnato", "In lista d’attesa (1)", "In lista d’attesa (2)"]
    assert _facts(signed_in.get(f"{LIST}/{references[0]}").text)["Corso"] == "Laboratorio di ceramica"
    row = _cells(signed_in.get(f"{LIST}?sort=newest").text)[0]
    assert (row[2], row[8]) == ("Iscrizione a un corso", "In coda")
    with transaction(sessions) as db:
        withdraw(db, first, by="anna", now=clock.now)
    assert places() == ["Ritirato", "Assegnato", "In lista d’attesa (1)"]
    assert places("en") == ["Withdrawn", "Given", "On the waiting list (1)"]


def _plain_rows(page: str) -> list[list[str]]:
    body = page[page.index("<tbody>") : page.index("</tbody>")]
    return [
        [
            " ".join(re.sub(r"<[^>]+>", " ", cell).split())
            for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)
        ]
        for row in body.split("</tr>")[:-1]
    ]


def test_a_recording_can_be_heard_and_wound(signed_in: FlaskClient, file: File, settings: Settings) -> None:
    sound = settings.home / "spool" / "other.wav"
    sound.parent.mkdir()
    sound.write_bytes(b"RIFF" + bytes(range(200)))
    request = file(birth_certificate(subject=Subject.OTHER, subject_recording=sound))
    page = signed_in.get(f"{LIST}/{request.reference}").text
    address = re.search(r'<audio[^>]* src="([^"]+)"', page)
    assert address

    with signed_in.get(address[1]) as whole:
        assert (whole.mimetype, whole.data) == ("audio/wav", sound.read_bytes())
    with signed_in.get(address[1], headers={"Range": "bytes=4-7"}) as part:
        assert (part.status_code, part.data) == (206, bytes(range(4)))
    assert signed_in.get(address[1].replace("subject", "identity")).status_code == 404


@pytest.mark.parametrize("path", ["/etc/hostname", "../outside.wav", "spool"])
def test_a_path_outside_the_home_folder_is_no_recording(
    signed_in: FlaskClient, file: File, settings: Settings, path: str
) -> None:
    (settings.home / "spool").mkdir()
    (settings.home.parent / "outside.wav").write_bytes(b"x")
    request = file(MessageDetails(recording=Path(path)))
    assert signed_in.get(f"{LIST}/{request.reference}/message.wav").status_code == 404


@pytest.mark.parametrize("reference", ["12345678", "1", "abcdefgh", "%00", "١٢٣٤٥٦٧٨"])
def test_an_unknown_request_is_not_found(signed_in: FlaskClient, file: File, reference: str) -> None:
    file()
    page = signed_in.get(f"{LIST}/{reference}")
    assert page.status_code == 404
    assert "Pagina non trovata" in page.text


def test_what_was_typed_elsewhere_is_shown_as_text(
    signed_in: FlaskClient, file: File, sessions: Sessions, clock: Clock
) -> None:
    citizen = _citizen(sessions, clock, "<script>alert(1)</script>", '"Rossi"')
    request = file(citizen=citizen)
    for page in (LIST, LIVE, f"{LIST}/{request.reference}"):
        text = signed_in.get(page).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text


def test_a_call_back_that_failed_tells_the_operators_what_it_met(
    signed_in: FlaskClient, file: File, clock: Clock
) -> None:
    details = CallBackDetails(number="+393331112203", waiting_since=clock.now)
    for result in sorted(NOT_REACHED):
        failed = file(details.model_copy(update={"tries": 3, "result": result}))
        text = signed_in.get(f"{LIST}/{failed.reference}?lang=it").text
        assert "Richiamate senza esito" in text
        assert f"<dd>{result}</dd>" not in text
    assert "Richiamate senza esito" not in signed_in.get(f"{LIST}/{file(details).reference}").text


def test_every_kind_and_state_has_a_name_in_both_languages(signed_in: FlaskClient, file: File) -> None:
    for state in RequestState:
        file(state=state)
    for receipt in MessageState:
        file(receipt=receipt)
    for channel in Channel:
        file(channel=channel)
    file(MessageDetails(recording=Path("m.wav")))
    file(a_report())
    file(an_enrolment())
    file(a_room())
    file(CallBackDetails(number="+393331112203", waiting_since=datetime.now(UTC)))
    for kind in SERVICES:
        file(CounterDetails(kind=kind, text="x"))
    codes = {*RequestState, *MessageState, *Channel, *RequestKind}
    for language in ("it", "en"):
        shown = {
            word for row in _cells(signed_in.get(f"{LIST}?lang={language}&state=all").text) for word in row
        }
        assert not shown & codes


def test_a_lost_call_says_what_is_known_and_why_it_closed(
    signed_in: FlaskClient, file: File, clock: Clock
) -> None:
    lost = LostCallDetails(
        calls=3,
        first_at=clock.now,
        last_at=clock.now + timedelta(minutes=5),
        longest_wait=125,
        about=("Cert. nascita", "Operatore"),
        closed=Closed.CALLED_AGAIN,
    )
    request = file(lost, state=RequestState.DONE)
    assert _cells(signed_in.get(f"{LIST}?state=done").text)[0][2:4] == ["Chiamata persa", "Conclusa"]
    page = " ".join(re.sub(r"<[^>]+>", " ", signed_in.get(f"{LIST}/{request.reference}").text).split())
    for fact in (
        "Chiamate 3",
        "Prima chiamata 23/11/2026 10:00",
        "Ultima chiamata 23/11/2026 10:05",
        "Attesa più lunga (min:s) 2:05",
        "Riguardo a Cert. nascita; Operatore",
        "Chiusa da sé Ha richiamato ed è stato servito",
    ):
        assert fact in html.unescape(page)
