"""The page of the audit: every row as a sentence, filters that stay out of the address, a file, and quick."""

from __future__ import annotations

import ast
import csv
import io
import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, event, insert, select

from console.audit_sentences import sentence_of, told
from console.texts import Language, Texts
from desk.audit import Looks, looks, note_look
from desk.citizens import register_citizen
from desk.db import Sessions, reading, transaction
from desk.models import Audit, AuditAction, Operator, Role
from desk.settings import PROJECT
from tests.console.fixed import Clock, File
from tests.console.signing_in import an_operator, sign_in
from webhooks.api.appointments import OPERATIONS as APPOINTMENTS
from webhooks.api.filing import OPERATIONS as FILING
from webhooks.api.town_services import OPERATIONS as TOWN_SERVICES

TEXTS = Texts.read()
TAX_CODE = "CLMGLI80C55F205N"

#: What can stand in place of what the code puts into a detail, where that is no text of ours.
VARIABLES = {
    "name": ("identity", "subject", "place", "message"),
    "form['act']": ("add_number", "remove_number", "give", "withdraw", "language", "card", "passport"),
    "how": ("page", "command"),
    "changed": ("", " from operator to manager"),
    "operation.name": tuple(
        operation.name for operation in (*APPOINTMENTS, *FILING, *TOWN_SERVICES) if operation.looks
    ),
}


def _texts(node: ast.expr, given: Mapping[str, ast.expr]) -> list[str]:
    """All that an expression can give. ``given``: the arguments of the function that it stands in."""
    if isinstance(node, ast.Name) and node.id in given:
        return _texts(given[node.id], {})
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.IfExp):
        return _texts(node.body, given) + _texts(node.orelse, given)
    if isinstance(node, ast.JoinedStr):
        whole = [""]
        for part in node.values:
            inner = part.value if isinstance(part, ast.FormattedValue) else part
            whole = [before + piece for before in whole for piece in _texts(inner, given)]
        return whole
    return list(VARIABLES.get(ast.unparse(node), ("7",)))


def _actions(node: ast.expr, given: Mapping[str, ast.expr]) -> set[AuditAction]:
    node = given[node.id] if isinstance(node, ast.Name) else node
    return {
        AuditAction[part.attr]
        for part in ast.walk(node)
        if isinstance(part, ast.Attribute) and ast.unparse(part.value) == "AuditAction"
    }


def _cases(action: ast.expr, detail: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    """What goes with what, where the same question decides about both."""
    if isinstance(action, ast.IfExp) and isinstance(detail, ast.IfExp):
        assert ast.unparse(action.test) == ast.unparse(detail.test)
        return [(action.body, detail.body), (action.orelse, detail.orelse)]
    return [(action, detail)]


def _calls(tree: ast.AST, name: str) -> list[ast.Call]:
    return [
        call
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and name in (getattr(call.func, "id", ""), getattr(call.func, "attr", ""))
    ]


def _noted_in_the_code() -> Iterator[tuple[AuditAction, str]]:
    """What is noted, for every place in the code that does, also through a function that hands it on."""
    for package in ("console", "desk", "webhooks", "agi_scripts", "call_routing", "reports"):
        for file in (PROJECT / package).glob("**/*.py"):
            tree = ast.parse(file.read_text())
            for function in ast.walk(tree):
                if not isinstance(function, ast.FunctionDef) or function.name == "note_look":
                    continue
                names = [each.arg for each in function.args.args if each.arg != "self"]
                defaults = dict(zip(names[::-1], function.args.defaults[::-1], strict=False))
                for call in _calls(function, "note_look"):
                    told = {each.arg: each.value for each in call.keywords}
                    detail = told.get("detail", ast.Constant(""))
                    handed_on = {
                        part.id
                        for part in (*ast.walk(told["action"]), *ast.walk(detail))
                        if isinstance(part, ast.Name) and part.id in names
                    }
                    callers = _calls(tree, function.name) if handed_on else []
                    for given in [
                        {
                            **defaults,
                            **dict(zip(names, caller.args, strict=False)),
                            **{each.arg: each.value for each in caller.keywords if each.arg},
                        }
                        for caller in callers
                    ] or [{}]:
                        if isinstance(told["action"], ast.Name) and not given:
                            raise AssertionError(f"{file}: nobody calls {function.name}")
                        for what, how in _cases(told["action"], detail):
                            for text in _texts(how, given):
                                for action in _actions(what, given):
                                    yield action, text


def test_every_look_that_the_code_notes_has_its_sentence() -> None:
    noted = set(_noted_in_the_code())
    assert {action for action, _ in noted} == set(AuditAction)
    assert len(noted) > 45
    assert {each for each in noted if sentence_of(*each) is None} == set()
    for language in Language:
        for action, detail in noted:
            said = told(Audit(action=action, detail=detail), TEXTS, language)
            # No code stands where a name should.
            assert not re.search(r"[a-z]+_[a-z]+", said), said


def test_what_nobody_foresaw_still_says_what_it_is() -> None:
    row = Audit(action=AuditAction.HEARD, detail="something new, 3")
    assert told(row, TEXTS, Language.ITALIAN) == "Ascoltare (something new, 3)"


@pytest.fixture
def admin(client: FlaskClient, sessions: Sessions) -> FlaskClient:
    an_operator(sessions, "capo", Role.ADMIN)
    return sign_in(client, "capo")


def rows_of(page: str) -> list[str]:
    return [
        " ".join(re.sub(r"<[^>]+>", " ", row).split())
        for row in page.split("</table>")[0].split('<tr role="row">')[2:]
    ]


def test_who_looked_at_whom_is_found_and_looking_is_written_down(
    admin: FlaskClient, sessions: Sessions, clock: Clock, file: File, anna: Operator
) -> None:
    with transaction(sessions) as db:
        giulia = register_citizen(
            db,
            tax_code=TAX_CODE,
            first_name="Giulia",
            last_name="Colombo",
            birth_date=date(1980, 3, 15),
            address="Via Brasca 4",
            phone_numbers=[],
            now=clock.now,
        )
    request = file(citizen=giulia)
    with transaction(sessions) as db:
        for back, action, detail in (
            (40, AuditAction.VIEWED, ""),
            (2, AuditAction.HEARD, "identity"),
            (1, AuditAction.CHANGED, "give"),
        ):
            note_look(
                db,
                by="anna",
                action=action,
                now=clock.now - timedelta(days=back),
                citizen_id=giulia.id,
                request_id=request.id if back > 1 else None,
                detail=detail,
            )

    def find(**asked: str) -> list[str]:
        answer = admin.post("/console/audit", data=asked)
        assert answer.status_code == 303, asked
        # Nothing of what was asked for is in the address.
        assert answer.location == "/console/audit"
        return rows_of(admin.get(answer.location).text)

    heard = "Ha ascoltato la registrazione: Generalità del chiamante"
    found = find(subject=TAX_CODE.lower(), by="anna")
    assert [row.partition("Bianchi ")[2] for row in found] == [
        f"Ha modificato la scheda: consenso dato Cittadino n. {giulia.id}",
        f"{heard} Richiesta {request.reference} Cittadino n. {giulia.id}",
        f"Ha aperto la scheda Richiesta {request.reference} Cittadino n. {giulia.id}",
    ]
    assert len(find(subject=request.reference, by="anna")) == 2
    since = (clock.now - timedelta(days=2)).date().isoformat()
    assert len(find(by="anna", since=since)) == 2
    assert len(find(by="anna", since=since, until=since)) == 1
    (only,) = find(action="heard")
    assert heard in only
    # What looked is in it too, with whom it looked for, and never with a name.
    looked = find(action="listed", by="capo", subject=TAX_CODE)
    assert "Ha consultato il registro degli accessi" in looked[-1]
    assert "Colombo" not in admin.get("/console/audit").text

    for wrong, field in (
        ({"subject": "12345678"}, "subject"),
        ({"subject": "ROSSI"}, "subject"),
        ({"since": "2026-11-02", "until": "2026-11-01"}, "until"),
        ({"since": "yesterday"}, "since"),
    ):
        answer = admin.post("/console/audit", data=wrong)
        assert (answer.status_code, f'id="{field}-error"' in answer.text) == (400, True), wrong

    find(by="anna")
    table = list(csv.reader(io.StringIO(admin.get("/console/audit.csv").text)))
    assert table[0][0] == "Quando"
    assert [row[1:3] for row in table[1:]][1] == ["anna", heard]
    assert table[2][3:] == [request.reference, str(giulia.id)]
    with reading(sessions) as db:
        last = db.scalars(select(Audit).order_by(Audit.id.desc())).first()
        assert last is not None
        assert (last.by, last.action, last.detail) == ("capo", AuditAction.DOWNLOADED, "audit")
    assert admin.post("/console/audit", data={"do": "all"}).status_code == 303
    assert len(rows_of(admin.get("/console/audit").text)) > 10


def test_pages_meet_each_row_once(admin: FlaskClient, sessions: Sessions, clock: Clock) -> None:
    with transaction(sessions) as db:
        # Many in the same moment.
        db.execute(
            insert(Audit),
            [
                {"at": clock.now, "by": "anna", "action": AuditAction.KEY_MADE, "detail": f"k{number}"}
                for number in range(120)
            ],
        )
    assert admin.post("/console/audit", data={"action": "key_made"}).status_code == 303
    seen: list[str] = []
    address: str | None = "/console/audit"
    while address:
        page = admin.get(address).text
        seen += re.findall(r"la chiave k(\d+) ", page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address = following[1] if following else None
    assert seen == [str(number) for number in reversed(range(120))]
    assert admin.get("/console/audit?before=999999999").status_code == 200
    assert len(admin.get("/console/audit.csv").text.splitlines()) == 121


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (Looks(), "ix_audit_at"),
        (Looks(since=date(2026, 11, 1), until=date(2026, 11, 2)), "ix_audit_at"),
        (Looks(by="anna"), "ix_audit_by_at"),
        (Looks(action=AuditAction.ERASED), "ix_audit_action_at"),
        (Looks(by="anna", since=date(2026, 11, 1)), "ix_audit_by_at"),
        (Looks(citizen_id=1), "ix_audit_citizen_id"),
        (Looks(request_id=1), "ix_audit_request_id"),
    ],
)
def test_no_question_reads_the_whole_audit(sessions: Sessions, wanted: Looks, index: str) -> None:
    plans: list[str] = []

    def explain(connection: Connection, _: object, sql: str, values: Any, *_more: object) -> None:
        raw = connection.connection.cursor()
        plans.append(str(raw.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()))

    with reading(sessions) as db:
        event.listen(db.connection(), "before_cursor_execute", explain)
        looks(db, wanted, limit=51)
    (plan,) = plans
    assert f"USING INDEX {index}" in plan
    assert "SCAN audit'" not in plan
    # What is by one citizen or request is little, and may be sorted.
    assert "TEMP B-TREE" not in plan or wanted.citizen_id or wanted.request_id
