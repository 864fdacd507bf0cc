from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from console.routes import permission_of
from console.sections import SECTIONS, sections_for
from desk.db import Sessions
from desk.models import Role
from desk.permissions import PERMISSIONS, Permission, may, roles_that_may
from tests.console.fixed import File
from tests.console.signing_in import an_operator, sign_in
from webhooks.api.serving import KEYED
from webhooks.app import OPEN, SIGNED

#: What who may open a page gets where it is not 200, by endpoint or endpoint and method. Forms are empty.
OTHER = {
    "start": 302,  # leads on
    "console.recording": 404,  # the request has none
    "console.talk": 404,
    "console.attachment": 404,
    "console.search_requests": 303,
    "console.find_audit": 303,
    "console.end_search": 303,
    "console.work_request": 400,  # nothing was pressed
    "console.work_requests": 400,
    "console.note_request": 400,  # nothing was written
    "console.attach": 400,
    "console.find_citizen_data": 404,  # nothing was typed
    "console.find_citizen": 400,
    "console.register_citizen": 400,
    "console.citizen": 404,  # there is none with that number
    "console.change_citizen": 404,
    "console.save_citizen": 404,
    "console.citizen_act": 400,
    "console.file_request": 400,
    "console.export_citizen": 404,
    "console.erase_citizen": 404,
    "console.sign_out": 303,
    # No place was taken, and nothing was filled in.
    "console.take_place": 400,
    "console.leave_place": 204,
    "console.pause_place": 400,
    "console.resume_place": 409,
    "console.phone_line": 409,
    "console.phone_gone": 204,
    "console.caller_card": 404,
    "console.said_in_call": 404,
    "console.call_back_now": 409,
    "console.supervise": 400,
    "console.try_line": 404,
    "console.profile_language": 400,
    "console.profile_password POST": 400,
    "console.profile_two_step POST": 400,
    "console.profile_two_step_off": 400,
    "console.profile_end_session": 404,  # it is somebody else's
    "console.profile_end_sessions": 303,
    "console.new_operator POST": 400,
    "console.operator POST": 400,
    "console.operator_two_step_off": 303,
    "console.operator_sign_out": 303,
    "console.operator_shut_out": 303,
    "console.operator_let_in": 303,
    "console.make_api_key": 400,
    "console.revoke_api_key": 404,
    # The town of this test has no offices.
    "console.appointment": 404,
    "console.appointment_recording": 404,
    "console.book_appointment": 404,
    "console.save_appointment": 404,
    "console.move_appointment": 404,
    "console.cancel_appointment": 404,
    "console.appointment_came": 404,
    "console.agenda_rules": 404,
    "console.change_agenda_rules": 404,
    "console.add_pattern": 404,
    "console.remove_pattern": 404,
    "console.add_absence": 404,
    "console.remove_absence": 404,
    # Empty forms.
    "console.change_week": 303,
    "console.add_special_day": 400,
    "console.remove_special_day": 404,
    "console.override_hours": 400,
    "console.end_override": 303,
    "console.set_notice": 400,
    "console.clear_notices": 303,
    "console.notice_sound": 404,
    "console.add_phone": 400,
    "console.telephone": 404,
    "console.change_phone": 404,
    "console.remove_phone": 404,
    "console.set_direct_line": 400,
    "console.remove_direct_line": 404,
    "console.change_routing": 400,
    "console.message": 404,
    "console.change_message": 404,
    "console.prompt": 404,
    "console.change_prompt": 404,
    "console.prompt_sound": 404,
    "console.record_prompt": 404,
    "console.course": 404,
    "console.save_course": 404,
    "console.decide_enrolment": 404,
    "console.room": 404,
    "console.save_room": 404,
    "console.decide_room": 404,
    "console.change_certificate": 404,
    "console.change_fee": 404,
    "console.save_category": 400,
    "console.save_competent_office": 400,
    "console.save_office": 400,
    "console.save_service": 400,
    "console.statistics_call": 404,
    # A year that has not begun.
    "console.statistics_year_page": 404,
    "console.statistics_year_file": 404,
    "console.set_inhabitants": 400,
    "console.count_visit": 400,
    "console.make_wall_screen": 400,
    "console.end_wall_screen": 404,
    "console.order_report_mail": 400,
    "console.end_report_mail": 404,
}


def _pages(app: Flask) -> list[tuple[str, str, str]]:
    """Endpoint, address and method of everything that takes a log-in."""
    return [
        (rule.endpoint, rule.rule, method)
        for rule in app.url_map.iter_rules()
        if rule.endpoint not in OPEN | KEYED | SIGNED
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def test_every_page_takes_a_permission(app: Flask) -> None:
    pages = _pages(app)
    assert len(pages) > 8
    assert [endpoint for endpoint, _, _ in pages if permission_of(app, endpoint) is None] == []


@pytest.mark.parametrize("role", Role)
def test_each_role_gets_the_pages_of_its_permissions_and_no_other(
    app: Flask, client: FlaskClient, sessions: Sessions, file: File, role: Role
) -> None:
    an_operator(sessions, "qualcuno", role)
    # What stands in addresses, by name.
    values = {
        "reference": file().reference,
        "name": "identity",
        "number": str(an_operator(sessions, "altro", Role.OPERATOR).id),
        "prefix": "abcdef",
        "call": "1.1",
        **dict.fromkeys(("service", "office", "code", "key", "template"), "nothing"),
        "language": "it",
        "extension": "999",
        "kind": "documents",
        "year": "2999",
        **dict.fromkeys(("page", "table"), "calls"),
        "form": "csv",
    }
    sign_in(client, "qualcuno")
    seen = set()
    # Logging out comes last: it would end the round.
    for endpoint, path, method in sorted(_pages(app), key=lambda page: page[0] == "console.sign_out"):
        address = re.sub(r"<(?:\w+:)?(\w+)>", lambda part: values[part[1]], path)
        answer = client.open(address, method=method)
        permission = permission_of(app, endpoint)
        assert permission
        usual = OTHER.get(endpoint, OTHER.get(f"{endpoint} {method}", 200))
        expected = usual if may(role, permission) else 403
        assert answer.status_code == expected, f"{role} {method} {path}"
        seen.add(answer.status_code == 403)
    assert seen == ({False} if role is Role.ADMIN else {True, False})


def test_a_page_that_was_registered_without_one_is_refused_to_everybody(
    app: Flask, client: FlaskClient, sessions: Sessions
) -> None:
    app.add_url_rule("/console/forgotten", "forgotten", lambda: "seen")
    an_operator(sessions, "capo", Role.ADMIN)
    sign_in(client, "capo")
    assert client.get("/console/forgotten").status_code == 403


def test_the_navigation_shows_what_a_role_may_open(app: Flask) -> None:
    def shown(role: Role, endpoint: str = "console.requests") -> list[str]:
        return [section.section.text for section in sections_for(app, role, endpoint)]

    assert "section.settings" not in shown(Role.OPERATOR)
    assert {"section.requests", "section.settings"} <= set(shown(Role.SUPERVISOR))
    assert {"section.citizens"} <= set(shown(Role.ADMIN))
    (current,) = (each for each in sections_for(app, Role.ADMIN, "console.request_detail") if each.current)
    assert current.endpoint == "console.requests"


def test_every_entry_of_the_navigation_is_a_page(app: Flask) -> None:
    entries = [entry for section in SECTIONS for entry in section.entries]
    named = {entry.endpoint for entry in entries} | {below for entry in entries for below in entry.below}
    assert named <= app.view_functions.keys()


def test_the_table_of_roles_is_whole() -> None:
    assert set(PERMISSIONS) == set(Role)
    assert PERMISSIONS[Role.ADMIN] == frozenset(Permission)
    assert PERMISSIONS[Role.OPERATOR] < PERMISSIONS[Role.SUPERVISOR]
    assert all(may(role, Permission.USE_CONSOLE) for role in Role)
    assert roles_that_may(Permission.HEAR_TALKS) == {Role.SUPERVISOR, Role.ADMIN}
    assert roles_that_may(Permission.MANAGE_OPERATORS) == {Role.ADMIN}
