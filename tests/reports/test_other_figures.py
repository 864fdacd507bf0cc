"""Figures of dialogs, lost calls, requests, the counter, texts, citizens, phones and of the data itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.appointments import NotBooked, note_came
from desk.counter import UnknownService, counter_services, record_visit, set_inhabitants
from desk.db import Sessions, reading, transaction
from desk.lost_calls import close_served, note_lost_calls
from desk.models import (
    AppointmentService,
    Booking,
    BookingChange,
    BookingState,
    BookingStep,
    CallBack,
    CallBackResult,
    CallBackState,
    Channel,
    Citizen,
    Consent,
    CounterVisit,
    Message,
    MessageDetails,
    MessageState,
    Purpose,
    Request,
    RequestState,
    RoutingRules,
)
from desk.requests import change_state, file_request
from desk.settings import ROME
from reports.citizen_figures import consent_figures, message_figures, registered
from reports.counter_figures import (
    AppointmentFigures,
    FlowBy,
    appointment_figures,
    counter_flow,
    counter_heat_map,
    visits_a_week,
    visits_by_day,
)
from reports.ivr_paths import edges, node_figures
from reports.lost import CallBackFigures, call_back_figures, lost_figures
from reports.occupancy import occupancy
from reports.periods import Period, month, year
from reports.quality import quality
from reports.request_figures import OLDER, RequestsBy, open_by_age, request_figures
from reports.rollups import refresh
from tests.reports.tables import (
    TOWN,
    at,
    keep_call_legs,
    keep_calls,
    keep_events,
    keep_queue,
    queue_lines,
)

DAY = date(2026, 11, 23)
ONE_DAY = Period(DAY, DAY)
NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)


def test_nodes_and_paths(sessions: Sessions) -> None:
    with transaction(sessions) as session:
        keep_calls(
            session,
            DAY,
            f"""
            1.0 | 09:00:00 | 09:01:00 | {TOWN} | - | it | hung_up  | main
            2.0 | 09:00:00 | 09:01:00 | {TOWN} | - | it | operator | person
            3.0 | 09:00:00 | 09:01:00 | {TOWN} | - | en | done     | goodbye
            """,
        )
        keep_events(
            session,
            DAY,
            """
            1.0 | 09:00:00 | welcome | entered
            1.0 | 09:00:05 | main    | entered
            1.0 | 09:00:15 | main    | silence
            1.0 | 09:00:25 | main    | hung_up
            2.0 | 09:00:00 | welcome | entered
            2.0 | 09:00:07 | main    | entered
            2.0 | 09:00:10 | main    | wrong
            2.0 | 09:00:20 | main    | wrong
            2.0 | 09:00:20 | main    | gave_up
            2.0 | 09:00:21 | person  | entered
            2.0 | 09:00:25 | person  | transferred
            # The script that runs in the queue has higher numbers than the one that runs after it.
            2.0 | 09:01:30 | waiting.told | entered | 20001
            2.0 | 09:01:35 | waiting.told | answered | 20002
            2.0 | 09:02:00 | message | entered | 10001
            3.0 | 09:00:00 | main    | entered
            3.0 | 09:00:04 | main    | answered
            3.0 | 09:00:04 | main    | entered
            3.0 | 09:00:06 | main    | asked_for_person
            3.0 | 09:00:06 | goodbye | entered
            3.0 | 09:00:09 | goodbye | done
            """,
        )
    refresh(sessions, now=NOW)
    with reading(sessions) as session:
        nodes = {one.node: one for one in node_figures(session, ONE_DAY)}
        steps = {(one.origin, one.target): one.passages for one in edges(session, ONE_DAY)}
        english = node_figures(session, ONE_DAY, language="en")
        often = edges(session, ONE_DAY, least=2)
    main = nodes["main"]
    assert (main.calls, main.entered, main.dropped, main.silences, main.wrong) == (3, 4, 1, 1, 2)
    assert (main.gave_up, main.asked_for_person) == (1, 1)
    assert main.dropped_share == 1 / 4
    assert main.failed_per_entry == 3 / 4
    # 20, 14, 4 and 2 seconds.
    assert main.mean_seconds == 10
    assert nodes["message"].mean_seconds is None
    assert steps == {
        ("(start)", "welcome"): 2,
        ("welcome", "main"): 2,
        ("main", "(hung up)"): 1,
        ("main", "person"): 1,
        ("person", "(person)"): 1,
        ("(person)", "waiting.told"): 1,
        ("waiting.told", "message"): 1,
        ("message", "(broken)"): 1,
        ("(start)", "main"): 1,
        ("main", "main"): 1,
        ("main", "goodbye"): 1,
        ("goodbye", "(done)"): 1,
    }
    assert [(one.node, one.entered) for one in english] == [("main", 2), ("goodbye", 1)]
    assert {(one.origin, one.target) for one in often} == {("(start)", "welcome"), ("welcome", "main")}


def test_lost_calls_and_how_soon_they_were_served(sessions: Sessions) -> None:
    lines = """
        # Lost at 10:00:30, called again and answered at 10:10:30.
        10:00:00 | 1.0 | desk | NONE | ENTERQUEUE | | +393331110001 | 1
        10:00:30 | 1.0 | desk | NONE | ABANDON | 1 | 1 | 30
        # Withheld, short, and one that nobody has called back.
        10:01:00 | 2.0 | desk | NONE | ENTERQUEUE | | anonymous | 1
        10:01:30 | 2.0 | desk | NONE | ABANDON | 1 | 1 | 30
        10:02:00 | 3.0 | desk | NONE | ENTERQUEUE | | +393331110003 | 1
        10:02:03 | 3.0 | desk | NONE | ABANDON | 1 | 1 | 3
        10:03:00 | 4.0 | desk | NONE | ENTERQUEUE | | +393331110004 | 1
        10:03:40 | 4.0 | desk | NONE | ABANDON | 1 | 1 | 40
        # Lost at 10:05:40; an operator handles it at 11:05:40.
        10:05:00 | 5.0 | desk | NONE | ENTERQUEUE | | +393331110005 | 1
        10:05:40 | 5.0 | desk | NONE | ABANDON | 1 | 1 | 40
    """
    again = """
        10:10:00 | 6.0 | desk | NONE | ENTERQUEUE | | +393331110001 | 1
        10:10:30 | 6.0 | desk | 201 | CONNECT | 30 | 6.1 | 5
        10:11:00 | 6.0 | desk | 201 | COMPLETECALLER | 30 | 30 | 1
        # Lost and served before anybody looks: no item is made of it.
        10:12:00 | 7.0 | desk | NONE | ENTERQUEUE | | +393331110007 | 1
        10:12:10 | 7.0 | desk | NONE | ABANDON | 1 | 1 | 10
        10:12:30 | 8.0 | desk | NONE | ENTERQUEUE | | +393331110007 | 1
        10:12:40 | 8.0 | desk | 201 | CONNECT | 10 | 8.1 | 5
    """
    with transaction(sessions) as session:
        session.add(RoutingRules())
        keep_queue(session, queue_lines(DAY, lines), at(DAY, "10:06:00"))
        note_lost_calls(session, now=at(DAY, "10:06:00"))
        keep_queue(session, queue_lines(DAY, again), at(DAY, "10:13:00"), source="more")
        note_lost_calls(session, now=at(DAY, "10:13:00"))
        close_served(session, now=at(DAY, "10:10:30"))
        item = session.scalars(select(Request).where(Request.contact_e164 == "+393331110005")).one()
        for state, clock in ((RequestState.IN_PROGRESS, "11:00:00"), (RequestState.DONE, "11:05:40")):
            change_state(session, item, state, by="anna", now=at(DAY, clock))
    with reading(sessions) as session:
        found = lost_figures(session, ONE_DAY)
        nothing = lost_figures(session, ONE_DAY.before())
    assert (found.lost, found.withheld, found.by_itself, found.by_operator) == (5, 1, 2, 1)
    assert found.recovered_share == 3 / 4
    # 600 s, 3600 s and 30 s.
    assert found.mean_recovery == 1410
    assert found.median_recovery == 600
    assert (nothing.lost, nothing.recovered_share, nothing.mean_recovery) == (0, None, None)


def test_call_backs(sessions: Sessions) -> None:
    states = [
        (CallBackState.DONE, CallBackResult.SERVED),
        (CallBackState.DONE, CallBackResult.SERVED_MEANWHILE),
        (CallBackState.FAILED, CallBackResult.BUSY),
        (CallBackState.CANCELLED, None),
        (CallBackState.WAITING, CallBackResult.NO_ANSWER),
    ]
    with transaction(sessions) as session:
        for number, (state, result) in enumerate(states):
            request = filed(session, at(DAY, "10:00:00"), str(number))
            session.add(
                CallBack(
                    request=request,
                    e164=f"+39333111000{number}",
                    asked_by=None,
                    asked_at=at(DAY, "10:00:00"),
                    waiting_since=at(DAY, "10:00:00"),
                    state=state,
                    next_try_at=at(DAY, "10:00:00"),
                    last_result=result,
                )
            )
    with reading(sessions) as session:
        found = call_back_figures(session, ONE_DAY)
        assert found == CallBackFigures(5, 1, 1, 1, 1, 1)
        assert found.served_share == 2 / 3
        assert call_back_figures(session, ONE_DAY.before()).served_share is None


def filed(
    session: Session, now: datetime, key: str, *, days: int = 1, channel: Channel = Channel.PHONE
) -> Request:
    request, _ = file_request(
        session,
        details=MessageDetails(text="?"),
        channel=channel,
        citizen_id=None,
        contact_e164=None,
        working_days=days,
        idempotency_key=key,
        call_unique_id=None,
        language="it",
        now=now,
    )
    return request


def close(session: Session, request: Request, state: RequestState, now: datetime) -> None:
    change_state(session, request, RequestState.IN_PROGRESS, by="anna", now=now)
    change_state(session, request, state, by="anna", now=now)


def test_requests(sessions: Sessions) -> None:
    """Filed on Monday, due on Tuesday unless said otherwise; now it is the Monday after."""
    monday = at(DAY, "10:00:00")
    with transaction(sessions) as session:
        close(session, filed(session, monday, "in time"), RequestState.DONE, at(DAY, "+1 23:59:59"))
        close(session, filed(session, monday, "late"), RequestState.DONE, at(DAY, "+2 00:00:00"))
        close(session, filed(session, monday, "no", channel=Channel.WEB), RequestState.REJECTED, monday)
        filed(session, monday, "overdue")
        filed(session, monday, "not due", days=30)
        again = filed(session, monday, "again")
        close(session, again, RequestState.DONE, monday)
        close(session, again, RequestState.DONE, at(DAY, "+3 10:00:00"))
    with reading(sessions) as session:
        ((_, found),) = request_figures(session, ONE_DAY, now=NOW, by=RequestsBy.TOTAL)
        assert (found.filed, found.done, found.rejected, found.open) == (6, 3, 1, 2)
        # What was opened again is closed when it is closed for good.
        assert (found.in_time, found.late, found.overdue) == (2, 2, 1)
        assert found.in_time_share == 2 / 5
        assert found.mean_days == pytest.approx((1.58332 + 1.58333 + 0 + 3) / 4, abs=1e-4)
        channels = dict(request_figures(session, ONE_DAY, now=NOW, by=RequestsBy.CHANNEL))
        assert {key: one.filed for key, one in channels.items()} == {"phone": 5, "web": 1}
        days = request_figures(session, month(DAY), now=NOW, by=RequestsBy.DAY)
        assert len(days) == 30
        assert dict(days)[DAY].filed == 6
        assert dict(days)[date(2026, 11, 1)].in_time_share is None
        assert open_by_age(session, now=NOW) == {("message", 10): 2}
        assert open_by_age(session, now=NOW + timedelta(days=60)) == {("message", OLDER): 2}


def test_the_flow_at_the_counter(town: Sessions) -> None:
    services = ["identity_documents"] * 3 + ["documents", "appointments"]
    with transaction(town) as session:
        for number, service in enumerate(services):
            record_visit(session, service, by="anna", idempotency_key=str(number), now=at(DAY, "09:45:00"))
        # Pressed twice; and an appointment that was for the social worker.
        record_visit(session, "documents", by="anna", idempotency_key="3", now=at(DAY, "09:46:00"))
        record_visit(
            session, "appointments", by="anna", idempotency_key="s", now=at(DAY, "17:00:00"), category="social"
        )
        for wrong in ({"service": "nonsense"}, {"service": "documents", "category": "nonsense"}):
            with pytest.raises(UnknownService):
                record_visit(session, **wrong, by="anna", idempotency_key="w", now=NOW)  # type: ignore[arg-type]
        assert len(counter_services(session)) == 12
        assert len(session.scalars(select(CounterVisit)).all()) == 6
    with reading(town) as session:
        flow = counter_flow(session, ONE_DAY)
        assert len(flow) == 8
        assert {one.code: (one.visits, one.share) for one in flow if one.visits} == {
            "registry": (3, 1 / 2),
            "protocol": (1, 1 / 6),
            "technical": (1, 1 / 6),
            "social": (1, 1 / 6),
        }
        by_service = counter_flow(session, ONE_DAY, by=FlowBy.SERVICE)
        assert len(by_service) == 12
        assert sum(one.visits for one in by_service) == 6
        assert {one.share for one in counter_flow(session, ONE_DAY.before())} == {None}
        assert visits_a_week(session, Period(DAY, DAY + timedelta(days=13))) == 3
        assert visits_a_week(session, ONE_DAY.before()) is None
        assert counter_heat_map(session, ONE_DAY).peaks(1)[0].half == 19
        assert visits_by_day(session, Period(DAY, DAY + timedelta(days=1))) == {
            DAY: 6,
            DAY + timedelta(days=1): 0,
        }


def test_appointments(town: Sessions) -> None:
    with transaction(town) as session:
        service = session.scalars(select(AppointmentService).order_by(AppointmentService.position)).first()
        assert service is not None
        office = service.office_code
        bookings = []
        for number, (clock, state) in enumerate(
            [
                ("09:00:00", BookingState.BOOKED),
                ("10:00:00", BookingState.BOOKED),
                ("11:00:00", BookingState.BOOKED),
                ("12:00:00", BookingState.CANCELLED),
                ("+10 09:00:00", BookingState.BOOKED),
            ]
        ):
            starts = at(DAY, clock)
            booking = Booking(
                reference=f"1000000{number}",
                service_code=service.code,
                starts_at=starts,
                ends_at=starts + timedelta(minutes=20),
                state=state,
                channel=Channel.PHONE,
                language="it",
                idempotency_key=str(number),
                booked_at=at(DAY, "08:00:00"),
                history=[
                    BookingChange(step=step, starts_at=starts, at=at(DAY, "08:30:00"), by="phone")
                    for step in {
                        1: [BookingStep.MOVED, BookingStep.MOVED],
                        3: [BookingStep.CANCELLED],
                    }.get(number, [])
                ],
            )
            session.add(booking)
            session.flush()
            bookings.append(booking)
        note_came(session, bookings[0].id, came=False, now=NOW)
        note_came(session, bookings[0].id, came=True, now=NOW)
        note_came(session, bookings[1].id, came=False, now=NOW)
        for impossible in (3, 4):
            with pytest.raises(NotBooked):
                note_came(session, bookings[impossible].id, came=True, now=NOW)
    with reading(town) as session:
        found = appointment_figures(session, month(DAY), now=NOW)
        expected = AppointmentFigures(due=3, kept=1, missed=1, to_come=0, moved=2, cancelled=1)
        assert (found[""], found[office]) == (expected, expected)
        assert (expected.not_noted, expected.kept_share, expected.missed_share) == (1, 1 / 2, 1 / 2)
        assert {one for key, one in found.items() if key not in ("", office)} == {AppointmentFigures()}
        assert appointment_figures(session, year(2026), now=NOW)[office].to_come == 1
        assert AppointmentFigures().kept_share is None


def test_texts_and_consents(sessions: Sessions) -> None:
    with transaction(sessions) as session:
        for number, state in enumerate(
            [MessageState.DELIVERED] * 3
            + [
                MessageState.UNDELIVERED,
                MessageState.FAILED,
                MessageState.NO_RECEIPT,
                MessageState.NO_CONSENT,
                MessageState.CREATED,
            ]
        ):
            session.add(
                Message(
                    id=str(number),
                    state=state,
                    created_at=at(DAY, "10:00:00"),
                    not_before=at(DAY, "10:00:00"),
                    to_e164="+393331110001",
                    template="a" if number else "b",
                    template_version=1,
                    language="it",
                    body="",
                )
            )
        for number, (given, withdrawn) in enumerate(
            [("-5 10:00:00", None), ("10:00:00", None), ("-5 10:00:00", "11:00:00"), ("10:00:00", "+3 10:00:00")]
        ):
            session.add(
                Consent(
                    e164=f"+39333111000{number}",
                    purpose=Purpose.RECEIPTS,
                    text_version="1",
                    given_at=at(DAY, given),
                    given_how="phone",
                    given_by="x",
                    withdrawn_at=at(DAY, withdrawn) if withdrawn else None,
                )
            )
    with reading(sessions) as session:
        found = message_figures(session, ONE_DAY)
        every = found[""]
        assert (every.written, every.delivered, every.failed, every.sent, every.not_sent, every.waiting) == (
            8,
            3,
            2,
            1,
            1,
            1,
        )
        assert every.delivered_share == 3 / 5
        assert (found["a"].written, found["b"].written) == (7, 1)
        assert message_figures(session, ONE_DAY.before())[""].delivered_share is None
        consents = consent_figures(session, ONE_DAY)
        receipts = consents["receipts"]
        assert (receipts.given, receipts.withdrawn, receipts.in_force) == (2, 1, 3)
        assert consents["notices"].in_force == 0


def test_registered_citizens(sessions: Sessions) -> None:
    with transaction(sessions) as session:
        # The last one registered on the first of October in Rome, while UTC still had September.
        for number, when in enumerate(
            [
                datetime(2025, 12, 31, 12, tzinfo=UTC),
                datetime(2026, 9, 30, 21, 59, tzinfo=UTC),
                datetime(2026, 9, 30, 22, 1, tzinfo=UTC),
            ]
        ):
            session.add(
                Citizen(
                    tax_code=str(number),
                    tax_code_keys="",
                    first_name="",
                    last_name="",
                    birth_date=date(1970, 1, 1),
                    address="",
                    registered_at=when,
                )
            )
        set_inhabitants(session, date(2026, 10, 31), 90)
        set_inhabitants(session, date(2026, 10, 31), 100)
    with reading(sessions) as session:
        found = registered(session, year(2026), now=NOW)
    assert [(one.month.month, one.new, one.total, one.share) for one in found[7:]] == [
        (8, 0, 1, None),
        (9, 1, 2, None),
        (10, 1, 3, 0.03),
        (11, 0, 3, 0.03),
    ]
    # December is still to come.
    assert len(found) == 11


def test_occupancy(town: Sessions) -> None:
    """The demo's desk is open on Mondays; the phone is paused for ten minutes of it, twice told."""
    with transaction(town) as session:
        keep_queue(
            session,
            queue_lines(
                DAY,
                """
                09:30:00 | NONE | desk | 201 | PAUSE | operator
                09:30:00 | NONE | phone-201 | 201 | PAUSE | operator
                09:35:00 | NONE | desk | 201 | PAUSE | operator
                09:40:00 | NONE | desk | 201 | UNPAUSE | back
                10:00:00 | 1.0 | desk | NONE | ENTERQUEUE | | +393331110001 | 1
                10:00:05 | 1.0 | desk | 201 | CONNECT | 5 | 1.1 | 5
                10:10:05 | 1.0 | desk | 201 | COMPLETECALLER | 5 | 600 | 1
                # Begun after closing time, and never ended.
                23:00:00 | NONE | desk | 101 | PAUSE | operator
                """,
            ),
            NOW,
        )
        rules = session.get_one(RoutingRules, 1)
        rules.wrap_up_seconds = 30
    refresh(town, now=NOW)
    with reading(town) as session:
        found = occupancy(session, ONE_DAY, now=NOW)
        noon = occupancy(session, ONE_DAY, now=at(DAY, "12:00:00"))
        sunday = occupancy(session, Period(DAY - timedelta(days=1), DAY - timedelta(days=1)), now=NOW)
    hours = opened(town)
    phone = found["201"]
    assert (phone.open_seconds, phone.paused_seconds, phone.busy_seconds) == (hours, 600, 630)
    assert phone.share == 630 / (hours - 600)
    assert (found["101"].paused_seconds, found["101"].share) == (0, 0)
    assert found[""].open_seconds == 5 * hours
    assert noon["201"].open_seconds == 3 * 3600
    assert sunday["201"].share is None
    assert "301" not in found


def opened(town: Sessions) -> int:
    """Seconds of the demo's Monday, from its rows."""
    from desk.models import OpeningHours

    with reading(town) as session:
        spans = session.scalars(select(OpeningHours).where(OpeningHours.weekday == 0)).all()

    def second(clock: time) -> int:
        return clock.hour * 3600 + clock.minute * 60

    assert min(span.opens for span in spans) == time(9)
    return sum(second(span.closes) - second(span.opens) for span in spans)


def test_what_is_wrong_with_the_data(town: Sessions) -> None:
    tuesday = Period(DAY, DAY + timedelta(days=1))
    with transaction(town) as session:
        keep_calls(
            session,
            DAY,
            f"""
            1.0 | 09:00:00 | 09:02:00 | {TOWN} | - | it | operator | person
            2.0 | 09:10:00 | -        | {TOWN} | - | it | -        | -
            3.0 | 09:20:00 | 09:21:00 | {TOWN} | - | it | operator | person
            4.0 | 09:30:00 | 09:29:00 | {TOWN} | - | it | done     | goodbye
            """,
        )
        keep_events(
            session,
            DAY,
            """
            1.0 | 09:00:00 | main | entered
            2.0 | 09:10:00 | main | entered
            3.0 | 09:20:00 | main | entered
            """,
        )
        lines = queue_lines(
            DAY,
            """
            09:00:10 | 1.0 | desk | NONE | ENTERQUEUE | | +393331110001 | 1
            # The clock of the machine was put back.
            09:00:05 | 1.0 | desk | 201 | CONNECT | 5 | 1.1 | 5
            09:01:00 | 1.0 | desk | 201 | COMPLETECALLER | 5 | 55 | 1
            10:00:00 | 5.0 | desk | NONE | ENTERQUEUE | | +393331110005 | 1
            10:00:05 | 5.0 | desk | 201 | CONNECT | 5 | 5.1 | 5
            """,
        )
        keep_queue(session, lines, at(DAY, "10:01:00"))
        keep_queue(session, lines[:2], at(DAY, "10:01:00"), source="copied")
        keep_call_legs(session, DAY, "1.0 | 09:00:00 | - | 09:02:00 | - | ", at(DAY, "10:01:00"))
        before = quality(session, ONE_DAY, now=NOW)
    assert before.days_not_counted == 1
    assert not before.perfect
    refresh(town, now=NOW)
    with reading(town) as session:
        found = quality(session, tuesday, now=NOW)
        at_once = quality(session, ONE_DAY, now=at(DAY, "10:01:00"))
        clean = quality(session, Period(DAY - timedelta(days=1), DAY - timedelta(days=1)), now=NOW)
    assert (found.calls_without_end, found.stays_without_end) == (1, 1)
    assert found.silent_days == (DAY + timedelta(days=1),)
    assert found.negative_times == 2
    assert (found.queue_without_record, found.put_through_without_queue) == (1, 1)
    assert (found.contradictions, found.double_lines, found.calls_without_dialog) == (1, 2, 1)
    assert found.days_not_counted == 0
    # What happened just now may still get its end.
    assert (at_once.calls_without_end, at_once.stays_without_end) == (0, 0)
    assert clean.perfect


def test_hours_are_those_of_rome() -> None:
    assert Period(DAY, DAY).begins_at == datetime.combine(DAY, time(), ROME)
