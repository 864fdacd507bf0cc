"""Working on requests through the pages: filters and search, the steps, notes, documents, several at once."""

from __future__ import annotations

import html
import io
import re
from datetime import date, timedelta

import pytest
import segno
from flask.testing import FlaskClient
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from desk.call_log import CallEnd, CallRecord, Event, log_call
from desk.casework import REOPEN_WITHIN
from desk.citizens import register_citizen
from desk.db import Sessions, reading, transaction
from desk.models import (
    Audit,
    Call,
    CallRecording,
    Channel,
    Citizen,
    Message,
    MessageDetails,
    Operator,
    Request,
    RequestState,
    Role,
)
from desk.references import new_reference
from desk.sealed_files import cipher_of, seal
from desk.settings import Settings
from tests.console.browsing import Visitor
from tests.console.fixed import Clock, File
from tests.console.signing_in import an_operator, sign_in

LIST = "/console/requests"
PDF = b"%PDF-1.7 carta"


@pytest.fixture
def giulia(sessions: Sessions, clock: Clock) -> Citizen:
    with transaction(sessions) as session:
        return register_citizen(
            session,
            tax_code="CLMGLI80C55F205N",
            first_name="Giulia",
            last_name="Colombo",
            birth_date=date(1980, 3, 15),
            address="Via Brasca 4",
            phone_numbers=["+393331112201"],
            now=clock.now,
        )


@pytest.fixture
def at_desk(client: FlaskClient, anna: Operator) -> FlaskClient:
    return sign_in(client, "anna")


def references(page: str) -> list[str]:
    return re.findall(r'<tr role="row" data-reference="(\d+)"', page)


def audit(sessions: Sessions) -> list[tuple[str, str]]:
    with reading(sessions) as session:
        return [(row.action.value, row.detail) for row in session.scalars(select(Audit).order_by(Audit.id))]


def act(client: FlaskClient, reference: str, name: str, **more: str) -> tuple[int, str]:
    answer = client.post(f"{LIST}/{reference}/act", data={"act": name, **more})
    if answer.status_code == 303:
        assert answer.headers["Location"].endswith(f"{LIST}/{reference}")
        return 303, client.get(answer.headers["Location"]).text
    return answer.status_code, html.unescape(answer.text)


def test_filters_stand_in_the_address_and_in_the_form(at_desk: FlaskClient, file: File) -> None:
    mine = file(assignee="anna", state=RequestState.IN_PROGRESS).reference
    web = file(channel=Channel.WEB).reference
    done = file(state=RequestState.DONE).reference
    message = file(MessageDetails(text="x")).reference
    for query, expected in (
        ("", [mine, web, message]),
        ("?state=all", [mine, web, done, message]),
        ("?whose=mine", [mine]),
        ("?whose=nobodys&kind=message", [message]),
        ("?channel=web", [web]),
        ("?state=done&sort=newest", [done]),
        ("?since=2026-11-24", []),
        ("?until=2026-11-23", [mine, web, message]),
    ):
        page = at_desk.get(f"{LIST}{query}").text
        assert references(page) == expected, query
        assert references(at_desk.get(f"{LIST}/live{query}").text) == expected, query
    page = at_desk.get(f"{LIST}?whose=nobodys&kind=message&since=2026-11-01").text
    for chosen in ('value="nobodys" selected', 'value="message" selected', 'value="2026-11-01"'):
        assert chosen in page


def test_a_person_is_looked_for_without_a_trace_in_any_address(
    at_desk: FlaskClient, file: File, giulia: Citizen, sessions: Sessions
) -> None:
    hers, other = file(citizen=giulia, state=RequestState.DONE).reference, file().reference
    answer = at_desk.post(f"{LIST}/search", data={"search": "colombo GIU"})
    assert answer.headers["Location"] == f"{LIST}?found=1"
    page = at_desk.get(answer.headers["Location"]).text
    assert references(page) == [hers]
    assert 'value="colombo GIU"' in page
    assert not [
        address for address in re.findall(r'(?:href|action|data-url)="([^"]*)"', page) if "olombo" in address
    ]
    assert references(at_desk.get(f"{LIST}/live?found=1").text) == [hers]
    assert references(at_desk.get(f"{LIST}?found=1&state=open").text) == []
    assert references(at_desk.get(LIST).text) == [other]
    with at_desk.session_transaction() as session:
        assert "olombo" not in str(dict(session))

    for typed, expected in (("333 111 2201", [hers]), ("3331234567", [hers, other]), ("%", []), ("99", [])):
        at_desk.post(f"{LIST}/search", data={"search": typed})
        assert sorted(references(at_desk.get(f"{LIST}?found=1").text)) == sorted(expected), typed
    found = at_desk.post(f"{LIST}/search", data={"search": f" {other[:4]} {other[4:]}"})
    assert found.headers["Location"] == f"{LIST}/{other}"

    at_desk.post(f"{LIST}/search/end")
    assert "almeno due lettere" in at_desk.get(f"{LIST}?found=1").text
    assert ("searched", "") in audit(sessions)


def test_a_request_goes_through_its_steps_on_its_page(
    at_desk: FlaskClient, file: File, sessions: Sessions
) -> None:
    an_operator(sessions, "bruno", Role.OPERATOR)
    reference = file().reference
    page = at_desk.get(f"{LIST}/{reference}").text
    assert re.findall(r'name="act" value="(\w+)"', page) == ["take", "complete", "wait", "reject"]

    status, page = act(at_desk, reference, "take")
    assert (status, "Richiesta presa in carico." in page) == (303, True)
    assert re.findall(r'name="act" value="(\w+)"', page) == [
        "complete", "wait", "reject", "put_back", "hand_over",
    ]  # fmt: skip
    status, page = act(at_desk, reference, "wait", text="")
    assert (status, 'aria-invalid="true"' in page) == (400, True)
    assert act(at_desk, reference, "hand_over", to="nessuno")[0] == 400
    status, page = act(at_desk, reference, "hand_over", to="bruno")
    assert (status, "In carico a Bruno." in page) == (303, True)
    status, page = act(at_desk, reference, "complete")
    assert status == 409
    assert "In carico a un’altra persona In carico a Bruno." in page
    sign_in(at_desk, "bruno")
    assert act(at_desk, reference, "wait", text="La vecchia carta")[0] == 303
    assert act(at_desk, reference, "resume")[0] == 303
    assert act(at_desk, reference, "reject", text="<b>Non</b> è nostra")[0] == 303
    page = at_desk.get(f"{LIST}/{reference}").text
    assert "&lt;b&gt;Non&lt;/b&gt; è nostra" in page
    assert re.findall(r'name="act" value="(\w+)"', page) == ["reopen"]
    assert act(at_desk, reference, "take")[0] == 409
    assert act(at_desk, reference, "nonsense")[0] == 400
    for path in ("%00/notes", "12/notes", "%00/attachments"):
        assert at_desk.post(f"{LIST}/{path}", data={"note": "x"}).status_code == 404
    assert at_desk.get(f"{LIST}/{reference}/attachments/{2**40}").status_code == 404
    assert act(at_desk, new_reference(), "take")[0] == 404


def test_what_was_closed_long_ago_stays_closed(at_desk: FlaskClient, file: File, clock: Clock) -> None:
    reference = file(state=RequestState.DONE).reference
    assert 'value="reopen"' in at_desk.get(f"{LIST}/{reference}").text
    clock.now += REOPEN_WITHIN + timedelta(hours=1)
    with at_desk.session_transaction() as session:
        session["seen"] = session["began"] = int(clock.now.timestamp())
    assert 'name="act"' not in at_desk.get(f"{LIST}/{reference}").text
    assert act(at_desk, reference, "reopen", text="x")[0] == 409


def test_a_manager_looks_and_changes_nothing(client: FlaskClient, sessions: Sessions, file: File) -> None:
    an_operator(sessions, "dirigente", Role.MANAGER)
    sign_in(client, "dirigente")
    reference = file().reference
    page = client.get(f"{LIST}/{reference}").text
    assert '<form method="post" action="/console/requests' not in page
    assert 'class="pick"' not in client.get(LIST).text
    assert act(client, reference, "take")[0] == 403


def test_several_at_once_each_with_its_outcome(at_desk: FlaskClient, file: File, sessions: Sessions) -> None:
    an_operator(sessions, "bruno", Role.OPERATOR)
    free, his, done = (
        file().reference,
        file(assignee="bruno", state=RequestState.IN_PROGRESS).reference,
        file(state=RequestState.DONE).reference,
    )
    page = at_desk.post(
        f"{LIST}/bulk", data={"act": "take", "reference": [free, his, done, "nonsense", free]}
    ).text
    rows = re.findall(r'requests/(\d+)">.*?status-(\w+) ', page, re.DOTALL)
    assert rows == [(free, "success"), (his, "danger"), (done, "danger")]
    assert "Fatto per 1 richieste su 3." in page
    assert "hand_over" not in at_desk.get(LIST).text
    assert at_desk.post(f"{LIST}/bulk", data={"act": "take"}).status_code == 303
    assert at_desk.post(f"{LIST}/bulk", data={"act": "reject", "reference": [free]}).status_code == 400

    an_operator(sessions, "capo", Role.SUPERVISOR)
    sign_in(at_desk, "capo")
    assert "hand_over" in at_desk.get(LIST).text
    page = at_desk.post(
        f"{LIST}/bulk", data={"act": "hand_over", "to": "bruno", "reference": [free, his]}
    ).text
    assert "Fatto per 2 richieste su 2." in page
    with reading(sessions) as session:
        assert set(session.scalars(select(Request.assignee).where(Request.reference != done))) == {"bruno"}


def test_notes_and_documents_belong_to_the_request(
    at_desk: FlaskClient,
    file: File,
    settings: Settings,
    sessions: Sessions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in ("webhooks.app", "desk.attachments"):
        monkeypatch.setattr(f"{module}.LARGEST", 100_000)
    reference, other = file().reference, file().reference
    assert at_desk.post(f"{LIST}/{reference}/notes", data={"note": " "}).status_code == 400
    # Nobody would notice what a cut took away.
    for path, field in (("notes", "note"), ("act", "text")):
        refused = at_desk.post(f"{LIST}/{reference}/{path}", data={field: "x" * 2001, "act": "take"})
        assert refused.status_code == 400
        assert f'id="{field}-error"' in refused.text
        assert "x" * 2001 in refused.text
    assert at_desk.post(f"{LIST}/{reference}/notes", data={"note": "Ha\n\0chiamato"}).status_code == 303
    page = at_desk.get(f"{LIST}/{reference}").text
    assert "Ha\nchiamato" in page
    assert "Ha\nchiamato" not in at_desk.get(f"{LIST}/{other}").text

    def send(data: bytes, name: str = "carta d’identità.pdf") -> int:
        form = {"document": (io.BytesIO(data), name)}
        return at_desk.post(
            f"{LIST}/{reference}/attachments", data=form, content_type="multipart/form-data"
        ).status_code

    # More than any other form may have.
    assert send(PDF + b" " * 90_000) == 303
    assert send(b"MZ") == 400
    assert send(b"") == 400
    assert send(PDF + b" " * 100_000) == 400
    assert send(PDF + b" " * 170_000) == 413
    page = at_desk.get(f"{LIST}/{reference}").text
    address = re.search(r'href="([^"]+/attachments/\d+)"', page)
    assert address
    assert "carta d’identità.pdf" in page
    document = at_desk.get(address[1])
    assert document.data.startswith(PDF)
    assert document.mimetype == "application/pdf"
    assert document.headers["Content-Disposition"].startswith("attachment;")
    assert document.headers["Cache-Control"] == "no-store"
    assert at_desk.get(address[1].replace(reference, other)).status_code == 404
    assert [action for action, _ in audit(sessions) if action == "downloaded"] == ["downloaded"]
    # Only who may attach sends more than a form holds.
    large = {"text": "x" * 100_000}
    assert at_desk.post(f"{LIST}/{reference}/notes", data=large).status_code == 413


def test_the_call_is_shown_with_what_was_pressed_and_its_talk_to_few(
    client: FlaskClient, file: File, sessions: Sessions, settings: Settings, clock: Clock, anna: Operator
) -> None:
    request = file()
    with transaction(sessions) as session:
        log_call(
            session,
            CallRecord(
                unique_id="17.1",
                caller="+393331112201",
                called="02",
                started_at=clock.now,
                events=(
                    Event(1, "main", "entered", "", clock.now),
                    Event(2, "main", "answered", "1", clock.now + timedelta(seconds=4)),
                ),
                end=CallEnd(outcome="operator", language="it", last_node="main", at=clock.now),
            ),
        )
        session.get_one(Request, request.id).call_id = session.scalars(select(Call.id)).one()
        session.add(
            CallRecording(
                call_unique_id="17.1",
                file="17.1.enc",
                seconds=1,
                recorded_at=clock.now,
                until=clock.now + timedelta(days=30),
            )
        )
    settings.call_recordings.mkdir()
    sealed = seal(cipher_of(settings), b"RIFF0123456789", "17.1")
    (settings.call_recordings / "17.1.enc").write_bytes(sealed)
    sign_in(client, "anna")
    page = client.get(f"{LIST}/{request.reference}").text
    assert "<kbd>1</kbd>" in page
    assert "Passata a un operatore" in page
    assert "talk.wav" not in page
    assert client.get(f"{LIST}/{request.reference}/talk.wav").status_code == 403
    an_operator(sessions, "capo", Role.SUPERVISOR)
    sign_in(client, "capo")
    assert "talk.wav" in client.get(f"{LIST}/{request.reference}").text
    with client.get(f"{LIST}/{request.reference}/talk.wav", headers={"Range": "bytes=4-7"}) as part:
        assert (part.status_code, part.data) == (206, b"0123")


def test_the_slip_says_the_number_and_nothing_of_the_desk(
    at_desk: FlaskClient, file: File, giulia: Citizen
) -> None:
    reference = file(citizen=giulia).reference
    page = html.unescape(at_desk.get(f"{LIST}/{reference}/slip").text)
    assert f"{reference[:4]} {reference[4:]}" in page
    for known in ("Giulia Colombo", "Certificato di nascita", "26/11/2026", "€ 0,00"):
        assert known in page
    assert "+39" not in page
    # The code is that of the number alone.
    code = re.search(r' d="([^"]+)"', segno.make(reference, error="m").svg_inline(omitsize=True))
    assert code is not None
    assert code[1] in page


def test_two_operators_take_one_request(
    browser: Browser, address: str, sessions: Sessions, anna: Operator, file: File
) -> None:
    an_operator(sessions, "bruno", Role.OPERATOR)
    reference = file().reference
    visitors = [Visitor.at(browser, address) for _ in range(2)]
    for visitor, login in zip(visitors, ("anna", "bruno"), strict=True):
        visitor.sign_in(login)
        visitor.page.goto(f"{LIST}/{reference}")
    for visitor in visitors:
        visitor.page.get_by_role("button", name="Prendi in carico").click()
    first, second = (visitor.page for visitor in visitors)
    expect(first.get_by_role("status")).to_contain_text("Richiesta presa in carico.")
    expect(second.get_by_role("alert")).to_contain_text("In carico a Anna Bianchi.")
    expect(second.get_by_role("button", name="Concludi")).to_have_count(0)
    assert visitors[1].violations() == []
    for visitor in visitors:
        visitor.page.context.close()


def test_a_request_is_found_and_completed_with_the_keyboard_alone(
    visitor: Visitor, sessions: Sessions, anna: Operator, file: File, giulia: Citizen
) -> None:
    reference = file(citizen=giulia).reference
    seen: list[str] = []
    visitor.page.on("request", lambda sent: seen.append(sent.url))
    visitor.sign_in("anna")
    page = visitor.page

    def tab_to(selector: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"{selector} cannot be reached")

    tab_to("#search")
    page.keyboard.type("Colombo")
    page.keyboard.press("Enter")
    page.wait_for_url("**/requests?found=1")
    expect(page.locator("tbody > tr")).to_have_count(1)
    tab_to(f"a[href$='{reference}']")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{reference}")
    tab_to("button[value=take]")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Richiesta presa in carico.")
    tab_to("#text")
    page.keyboard.type("Consegnato a mano")
    tab_to("button[value=complete]")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Richiesta conclusa.")
    expect(page.locator(".heading .state")).to_have_text("Conclusa")
    assert not [url for url in seen if "olombo" in url]
    assert visitor.complaints == []
    with reading(sessions) as session:
        request = session.scalars(select(Request).where(Request.reference == reference)).one()
        assert (request.state, request.assignee) == (RequestState.DONE, "anna")
        assert request.periods[-1].note == "Consegnato a mano"
        assert session.scalars(select(Message)).all() == []
