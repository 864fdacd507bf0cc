"""The pages of the managers' figures, over one Monday that was reckoned by hand."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime
from zipfile import ZipFile

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from console.statistics_pages import PAGES
from desk.counter import counter_services
from desk.db import Sessions, reading, transaction
from desk.demo import load_demo
from desk.models import Audit, AuditAction, CounterVisit, HandOver, Inhabitants, Role
from tests.conftest import DEMO_KEYRING
from tests.console.fixed import Clock
from tests.console.signing_in import an_operator, sign_in
from tests.reports.test_calls import keep_monday

DAY = "from=2026-11-23&to=2026-11-23"


@pytest.fixture
def monday(sessions: Sessions, clock: Clock) -> Sessions:
    with transaction(sessions) as db:
        load_demo(db, DEMO_KEYRING, clock.now)
    keep_monday(sessions)
    clock.now = datetime(2026, 11, 24, 9, tzinfo=UTC)
    return sessions


def as_role(client: FlaskClient, sessions: Sessions, role: Role) -> FlaskClient:
    an_operator(sessions, role.value, role)
    return sign_in(client, role.value)


@pytest.fixture
def manager(client: FlaskClient, monday: Sessions) -> FlaskClient:
    return as_role(client, monday, Role.MANAGER)


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def tile(page: str, figure: str) -> str:
    found = re.search(rf'<div class="tile">\s*<dt>[^\n]*#{figure}".*?</div>', page, re.DOTALL)
    assert found, figure
    return words(found[0].partition("</dt>")[2])


def test_the_overview_beside_the_day_before(manager: FlaskClient) -> None:
    page = manager.get(f"/console/statistics?{DAY}").text
    assert "confronto con 22/11/2026" in words(page)
    assert tile(page, "calls").split()[0] == "11"
    # Nothing the day before: there is nothing to compare shares with.
    assert "57,1 %" in tile(page, "service_level")
    assert "prima –" in tile(page, "service_level")
    assert "in aumento" not in page
    assert "Queste cifre sono di tutto lo sportello" not in page
    next_day = manager.get("/console/statistics?from=2026-11-24&to=2026-11-24").text
    assert "▼ in calo del 100,0 %" in tile(next_day, "calls")
    assert tile(next_day, "service_level").split()[0] == "–"
    assert "Il periodo non è finito" in next_day
    # Other ways to reckon the level, and other thresholds, are one filter.
    strict = manager.get(f"/console/statistics?{DAY}&within=25&level=of_offered").text
    assert "62,5 %" in tile(strict, "service_level")
    assert (
        "Queste cifre sono di tutto lo sportello"
        in manager.get(f"/console/statistics?{DAY}&language=en").text
    )


def test_every_page_opens_in_both_languages_with_nothing_and_with_something(
    client: FlaskClient, sessions: Sessions, clock: Clock
) -> None:
    clock.now = datetime(2026, 11, 24, 9, tzinfo=UTC)
    as_role(client, sessions, Role.MANAGER)
    addresses = [
        "/console/statistics",
        *(f"/console{kind.path}" for kind in PAGES.values()),
        *("/console/statistics/" + name for name in ("when", "list", "staffing", "year", "definitions")),
        "/console/statistics/year/2026.html",
    ]
    assert "I conti non sono ancora stati fatti" in client.get("/console/statistics").text
    for filled in (False, True):
        if filled:
            with transaction(sessions) as db:
                load_demo(db, DEMO_KEYRING, clock.now)
            keep_monday(sessions)
        for address in addresses:
            for language in ("it", "en"):
                assert client.get(f"{address}?lang={language}").status_code == 200, (address, filled)


@pytest.mark.parametrize("by", PAGES["calls"].by)
def test_calls_by_each_grouping_in_each_view(manager: FlaskClient, by: str) -> None:
    for view in PAGES["calls"].views:
        answer = manager.get(f"/console/statistics/calls?{DAY}&by={by}&view={view}")
        assert answer.status_code == 200, view
        # The calls behind a number are as many as it says.
        for address, number in re.findall(
            r'<a href="(/console/statistics/list[^"]+)">(\d+)</a>', answer.text
        )[:4]:
            behind = manager.get(address.replace("&amp;", "&")).text
            assert f": {number}</h2>" in behind, address


def test_a_filter_that_cannot_be_is_named(manager: FlaskClient) -> None:
    for address, named in (
        ("/console/statistics?within=soon", "Risposta entro (secondi)"),
        ("/console/statistics/calls?by=colour", "Raggruppa per"),
        ("/console/statistics/when?from=2026-13-01", "Dal"),
        ("/console/statistics/list?what=nonsense", "Cifra"),
        ("/console/statistics/list?page=0", "Pagina"),
        ("/console/statistics/staffing?target=100", "Obiettivo"),
        ("/console/statistics/files/calls/calls.csv?span=soon", "Periodo"),
    ):
        answer = manager.get(address)
        assert answer.status_code == 400, address
        assert f"<strong>{named}</strong>" in answer.text
    # What a page does not know is told, and goes on to the pages that do.
    page = manager.get("/console/statistics/lost?span=today&language=en").text
    assert "qui non valgono: Lingua." in words(page)
    assert "/console/statistics/calls?span=today&amp;language=en" in page


def test_the_ways_through_the_dialog_name_their_ends(manager: FlaskClient) -> None:
    page = words(manager.get(f"/console/statistics/ivr?{DAY}").text)
    assert "Benvenuto: uffici chiusi Riagganciato 1" in page
    assert "Inizio Menù principale 3" in page
    assert "Riagganciato Benvenuto" not in page


def test_the_heat_map_is_a_table_with_links(manager: FlaskClient) -> None:
    page = manager.get(f"/console/statistics/when?{DAY}").text
    (row,) = re.findall(r"<tr><th scope=\"row\">09:00</th>(.*?)</tr>", page)
    assert words(row).split()[0] == "3,0"
    assert "heat-6" in row
    address = re.search(r'href="([^"]+)"', row)
    assert address
    assert ": 3</h2>" in manager.get(address[1].replace("&amp;", "&")).text


@pytest.mark.parametrize("role", [Role.MANAGER, Role.SUPERVISOR])
def test_who_called_is_for_those_who_may_see_it_and_each_look_is_noted(
    client: FlaskClient, monday: Sessions, role: Role
) -> None:
    as_role(client, monday, role)
    may = role is Role.SUPERVISOR
    plain = [
        client.get(f"/console/statistics/list?what=answered&{DAY}").text,
        client.get("/console/statistics/list/1.0").text,
        *(client.get(f"/console/statistics/{name}?{DAY}").text for name in ("calls", "lost", "ivr")),
    ]
    assert not any("+39333111" in page for page in plain)
    assert ("Mostra chi ha chiamato" in plain[0]) == may
    asked = client.get(f"/console/statistics/list?what=answered&{DAY}&callers=1").text
    one = client.get("/console/statistics/list/2.0?callers=1").text
    assert ("+393331110002" in asked) == ("+393331110002" in one) == may
    with reading(monday) as db:
        looks = db.execute(select(Audit.action, Audit.detail).where(Audit.by == role.value)).all()
    noted = [(AuditAction.LISTED, "calls 5"), (AuditAction.VIEWED, "call 2.0")]
    assert [look for look in looks if look.detail.startswith("call")] == (noted if may else [])


def test_a_citizen_who_was_identified_is_named_on_request(
    client: FlaskClient, monday: Sessions, clock: Clock
) -> None:
    from desk.models import Citizen

    as_role(client, monday, Role.SUPERVISOR)
    with transaction(monday) as db:
        citizen = db.scalars(select(Citizen).limit(1)).one()
        name, number = f"{citizen.first_name} {citizen.last_name}", citizen.id
        db.add(
            HandOver(
                call_unique_id="1.0",
                at=clock.now,
                summary="",
                identified=True,
                citizen_id=number,
                answers=[],
                recordings=[],
            )
        )
    assert name not in client.get("/console/statistics/list/1.0").text
    assert name in client.get("/console/statistics/list/1.0?callers=1").text
    with reading(monday) as db:
        assert db.scalar(select(Audit.citizen_id).where(Audit.detail == "call 1.0")) == number


def test_files_hold_what_the_page_shows(manager: FlaskClient, monday: Sessions) -> None:
    page = "/console/statistics/files/calls/calls"
    table = manager.get(f"{page}.csv?{DAY}&by=operator").text
    assert table.splitlines()[0].startswith("operator,answered,talks")
    assert "201,2," in table
    told = json.loads(manager.get(f"{page}.json?{DAY}&by=office&view=service").data)
    assert [column["name"] for column in told["columns"]][:3] == ["office", "offered", "service_level"]
    assert told["rows"][0]["service_level"] == pytest.approx(3 / 6)
    book = manager.get(f"{page}.xlsx?{DAY}&by=operator")
    with ZipFile(io.BytesIO(book.data)) as opened:
        assert "201 · " in opened.read("xl/sharedStrings.xml").decode()
    assert "calls-calls-2026-11-23-2026-11-23.xlsx" in book.headers["Content-Disposition"]
    assert manager.get(f"/console/statistics/files/overview/overview.pdf?{DAY}").data.startswith(b"%PDF")
    listed = manager.get(f"/console/statistics/files/list/list.csv?{DAY}&what=long_abandons").text
    assert listed.splitlines()[1:] == ["2026-11-23T09:40:10+01:00,+390200000100,40,abandoned,,,"]
    for wrong in ("calls/nonsense.csv", "nonsense/calls.csv", "calls/calls.exe"):
        assert manager.get(f"/console/statistics/files/{wrong}").status_code == 404


def test_a_supervisor_sees_and_takes_nothing_away(client: FlaskClient, monday: Sessions) -> None:
    as_role(client, monday, Role.SUPERVISOR)
    page = client.get("/console/statistics/calls")
    assert page.status_code == 200
    assert "Scarica" not in page.text
    assert client.get("/console/statistics/files/calls/calls.csv").status_code == 403


def test_definitions_have_all_figures_with_formula_and_source(manager: FlaskClient) -> None:
    page = manager.get("/console/statistics/definitions?lang=en").text
    assert 'id="service_level"' in page
    assert "answered within x ÷ (offered − short_abandons)" in page
    assert "Source: queue_stays (queue_log)" in page
    linked = set(re.findall(r"/definitions#(\w+)", manager.get("/console/statistics/calls").text))
    assert linked
    assert all(f'id="{name}"' in page for name in linked)


def test_how_many_live_in_the_town(manager: FlaskClient, monday: Sessions) -> None:
    address = "/console/statistics/citizens"
    for wrong in ({}, {"on_day": "2026-01-01", "people": "0"}, {"on_day": "2099-01-01", "people": "12000"}):
        refused = manager.post(address, data=wrong)
        assert refused.status_code == 400
        assert "field-error" in refused.text
    answer = manager.post(address, data={"on_day": "2026-01-01", "people": "12345"})
    assert answer.status_code == 303
    assert "12.345 abitanti, annotati per il 01/01/2026" in manager.get(address).text
    with reading(monday) as db:
        assert [row.people for row in db.scalars(select(Inhabitants)) if row.people == 12345] == [12345]


def test_visitors_are_counted_by_number_and_by_button_once_each(
    client: FlaskClient, monday: Sessions, clock: Clock
) -> None:
    as_role(client, monday, Role.OPERATOR)
    with reading(monday) as db:
        first, second = (service.code for service in counter_services(db)[:2])
    assert client.post("/console/visits", data={"number": "1", "key": "a"}).status_code == 303
    # Sent twice by a page that was loaded again.
    assert client.post("/console/visits", data={"number": "1", "key": "a"}).status_code == 303
    assert (
        client.post("/console/visits", data={"number": "", "service": second, "key": "b"}).status_code == 303
    )
    refused = client.post("/console/visits", data={"number": "99", "key": "c"})
    assert refused.status_code == 400
    assert "Nessun servizio ha questo numero." in refused.text
    with reading(monday) as db:
        visits = db.execute(select(CounterVisit.service_code, CounterVisit.by, CounterVisit.at)).all()
    assert [tuple(visit) for visit in visits] == [
        (first, "operator", clock.now),
        (second, "operator", clock.now),
    ]
    assert "Contati oggi da tutti: 2." in client.get("/console/visits").text


def test_the_yearly_report_is_opened_and_taken(manager: FlaskClient) -> None:
    page = manager.get("/console/statistics/year/2026.html")
    assert "Relazione sull&#39;attività" in page.text or "Relazione sull'attività" in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "style-src 'unsafe-inline'" in policy
    assert "script-src 'none'" in policy
    # No other page allows it.
    assert "unsafe-inline" not in manager.get("/console/statistics").headers["Content-Security-Policy"]
    for year in ("2027", "nonsense", "1999"):
        assert manager.get(f"/console/statistics/year/{year}.html").status_code == 404
    assert "/console/statistics/year/2026.pdf" in manager.get("/console/statistics/year").text
