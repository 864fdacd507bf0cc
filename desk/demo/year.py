"""A plausible year of the demo town: calls, visits, requests, appointments, messages, all of it invented.

The same seed gives the same year, and a year that is not over is the beginning of the whole one.
Telephone numbers are of a range that is not assigned: nobody is called or texted by mistake.
"""

from __future__ import annotations

import heapq
import uuid
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Literal

from codicefiscale import codicefiscale

from desk.calendar import add_working_days, is_working_day
from desk.citizens import keypad_pattern
from desk.demo.queueing import DemoQueue
from desk.demo.rows import DemoYear, Pattern, Row, TownFacts, mark
from desk.demo.shape import Shape, figures, uplift
from desk.models import (
    BookingState,
    BookingStep,
    CallBackDetails,
    CallBackResult,
    CallBackState,
    CallOutcome,
    CertificateDetails,
    Channel,
    CourseDetails,
    Delivery,
    IdentifiedBy,
    LostCallDetails,
    MessageDetails,
    MessageState,
    PartOfDay,
    Purpose,
    ReportDetails,
    RequestDetails,
    RequestKind,
    RequestState,
    RoomDetails,
    RoomUse,
    Stamp,
    Subject,
)
from desk.models.details import Closed
from desk.references import new_reference
from desk.settings import ROME
from desk.sms.templates import templates

#: Possible numbers of no operator: the library of numbering plans says so, and a test asks it.
NUMBERS = "+39306"
#: Whom a row says that it came from or was made by.
BY = "demo"
#: Different callers in a year, and how often a caller withholds the number.
_CALLERS, _WITHHELD = 2600, 0.06
_ENGLISH = 0.06
#: Shares of steps at which callers hang up, say nothing, press a wrong key.
_HANGS_UP, _SILENT, _WRONG = 0.012, 0.04, 0.03
_COURSE_DAYS, _ROOM_DAYS, _DAYS = 5, 5, 1
_STATES = {
    MessageState.DELIVERED: 93,
    MessageState.UNDELIVERED: 3,
    MessageState.NO_RECEIPT: 2,
    MessageState.FAILED: 1,
    MessageState.VOICE_NOTICE: 1,
}


def make_year(year: int, town: TownFacts, *, seed: int, until: datetime) -> DemoYear:
    """The year up to ``until``; nothing in it is later."""
    return _Year(year, town, seed, until).made


class _Year:
    def __init__(self, year: int, town: TownFacts, seed: int, until: datetime) -> None:
        self.made = DemoYear(year)
        self._town, self._year, self._until = town, year, until.astimezone(UTC)
        self._shape = Shape(year, town.hours)
        self._seed = f"{year} {seed}"
        self._references = set(town.references)
        self._citizens: list[Row] = []
        self._consenting: set[str] = set()
        # One stream of chance for each subject: one does not move the others.
        self._register(self._random("citizens"))
        self._visit(self._random("visits"))
        self._call(self._random("calls"), self._random("queue"))
        self._file()
        self._book()

    def _random(self, subject: str) -> Random:
        return Random(f"{self._seed} {subject}")  # noqa: S311 - the same seed must give the same year

    # Citizens

    def _register(self, random: Random) -> None:
        names, known = figures()["names"], set(self._town.tax_codes)
        weights = figures()["registered"]
        months = [
            month
            for month in range(1, 13)
            for _ in range(round(figures()["registrations"] * weights[month - 1] / sum(weights)))
        ]
        for number, month in enumerate(months):
            first, last = random.choice(names["first"]), random.choice(names["last"])
            born = date(1940, 1, 1) + timedelta(days=random.randrange(24000))
            day = random.randint(1, 28)
            at = datetime.combine(date(self._year, month, day), time(8), ROME)
            at += timedelta(seconds=random.randrange(14 * 3600))
            gender: Literal["F", "M"] = "F" if first in names["women"] else "M"
            address = (
                f"{random.choice(names['streets'])} {random.randint(1, 90)} ({mark(self._year)}{number})"
            )
            agrees, notices = random.random() < 0.7, random.random() < 0.5
            withdrawn = random.random() < 0.04
            later = timedelta(days=random.uniform(5, 90))
            if at >= self._until:
                continue
            code = codicefiscale.encode(last, first, gender, born.isoformat(), "Trezzo sull'Adda")
            if code in known:
                continue
            known.add(code)
            e164 = f"{NUMBERS}9{number:06d}"
            citizen: Row = {
                "tax_code": code,
                "tax_code_keys": keypad_pattern(code),
                "first_name": first,
                "last_name": last,
                "birth_date": born,
                "address": address,
                "registered_at": at,
            }
            self.made.citizens.append(citizen)
            self._citizens.append({**citizen, "e164": e164})
            self.made.phone_numbers.append({"citizen": code, "e164": e164})
            purposes = [Purpose.RECEIPTS, Purpose.NOTICES] if notices else [Purpose.RECEIPTS]
            for purpose in purposes if agrees else []:
                gone = at + later if withdrawn and at + later < self._until else None
                self.made.consents.append(
                    {
                        "citizen": code,
                        "e164": e164,
                        "purpose": purpose,
                        "text_version": f"{mark(self._year)}1",
                        "given_at": at,
                        "given_how": "web",
                        "given_by": BY,
                        "withdrawn_at": gone,
                        "withdrawn_how": "SMS" if gone else None,
                        "withdrawn_by": BY if gone else None,
                    }
                )
            if agrees and not withdrawn:
                self._consenting.add(e164)

    def _somebody(self, random: Random, at: datetime) -> Row | None:
        """A citizen who was registered by then."""
        known = [citizen for citizen in self._citizens if citizen["registered_at"] < at]
        return random.choice(known) if known else None

    # Visits at the counter

    def _visit(self, random: Random) -> None:
        weekly = figures()["visits_per_week"]
        daily = weekly * len(self._shape.days) / 7 / len(self._shape.open_days)
        flow = figures()["flow"]
        for day in self._shape.open_days:
            shares = [entry["percent"] * uplift(day, entry["category"]) for entry in flow]
            for at in self._shape.moments(random, day, daily * self._shape.factors[day]):
                entry = random.choices(flow, shares)[0]
                service = random.choices(list(entry["services"]), list(entry["services"].values()))[0]
                by = random.choice(list(self._town.operators))
                if at < self._until:
                    self.made.visits.append(
                        {
                            "at": at,
                            "service_code": service,
                            "category_code": entry["category"],
                            "by": by,
                            "idempotency_key": f"{mark(self._year)}{len(self.made.visits)}",
                        }
                    )

    # Calls

    def _call(self, random: Random, chance: Random) -> None:
        queue = DemoQueue(chance, self._shape, self._town)
        number = 0
        for day in self._shape.days:
            spans = self._shape.spans(day)
            arrivals: list[tuple[datetime, str | None, bool]] = []
            if spans:
                expected = figures()["calls_per_day"] * self._shape.factors[day]
                arrivals += [
                    (at, self._caller(random), True) for at in self._shape.moments(random, day, expected)
                ]
                self._pauses(random, queue, spans)
            closed = figures()["calls_closed"]
            arrivals += [
                (at, self._caller(random), False) for at in self._shape.closed_moments(random, day, closed)
            ]
            waiting = [(at, place, caller, is_open) for place, (at, caller, is_open) in enumerate(arrivals)]
            heapq.heapify(waiting)
            while waiting:
                at, place, caller, is_open = heapq.heappop(waiting)
                number += 1
                again = self._one_call(random, queue, number, at, caller, is_open)
                if again is not None and any(begins <= again < ends for begins, ends in spans):
                    heapq.heappush(waiting, (again, place + 1000 * number, caller, True))
        until = self._until.timestamp()
        kept = {row["unique_id"] for row in self.made.calls}
        for lines, made, name_at in (
            (queue.queue_lines, self.made.queue_lines, 1),
            (queue.leg_lines, self.made.leg_lines, 0),
        ):
            separator = "|" if name_at else ","
            for written, line in sorted(lines, key=lambda entry: entry[0]):
                name = line.split(separator, 2)[name_at].strip('"')
                if name in kept or (name == "NONE" and written < until):
                    made.append(line)

    def _caller(self, random: Random) -> str | None:
        if random.random() < _WITHHELD:
            return None
        # Few call often, most once a year.
        return f"{NUMBERS}{int(_CALLERS * random.random() ** 1.6):07d}"

    def _pauses(self, random: Random, queue: DemoQueue, spans: list[tuple[datetime, datetime]]) -> None:
        begins, ends = random.choice(spans)
        at = begins + (ends - begins) * random.uniform(0.2, 0.7)
        queue.pause(
            random.choice(list(self._town.back_office)), at, at + timedelta(minutes=random.uniform(8, 20))
        )

    def _one_call(
        self, random: Random, queue: DemoQueue, number: int, at: datetime, caller: str | None, is_open: bool
    ) -> datetime | None:
        """One call; returns when the caller tries again."""
        unique_id = f"{mark(self._year)}{number}"
        ways = figures()["ways"]
        way = random.choices(ways, [entry["open" if is_open else "closed"] for entry in ways])[0]
        events, ended, finished = self._dialog(random, way, at, unique_id, is_open)
        person = way.get("ends") != "done"
        if finished:
            node = "person" if person else events[-1]["node"]
            outcome = CallOutcome.OPERATOR if person else CallOutcome.DONE
            happened = [("entered", ""), ("transferred", "")] if person else [("done", "")]
            for event, detail in happened:
                events.append(_event(unique_id, len(events) + 1, node, event, detail, ended))
        else:
            outcome = CallOutcome.HUNG_UP
        call: Row = {
            "unique_id": unique_id,
            "caller_e164": caller,
            "called": self._town.line,
            "started_at": at,
            "ended_at": ended,
            "language": "en" if random.random() < _ENGLISH else "it",
            "outcome": outcome,
            "last_node": events[-1]["node"],
        }
        passage = None
        if finished and person:
            passage = queue.enter(unique_id, caller, at, ended + timedelta(seconds=1))
        else:
            queue.by_dialog(unique_id, caller, at, ended)
        over = passage.ended_at if passage else ended
        # The draws of chance are the same wherever the year ends.
        again = over + timedelta(seconds=random.uniform(90, 1500))
        tries, solved, asked = random.random() < 0.55, random.random() < 0.86, random.random() < 0.2
        if over + timedelta(minutes=15) >= self._until:
            return None
        self.made.calls.append(call)
        self.made.call_events += events
        if finished and way.get("files"):
            self._file_by_phone(way["files"], call, ended)
        if passage is None:
            return None
        if passage.outcome == "answered":
            if asked:
                self.made.survey_answers.append(
                    {
                        "call_unique_id": unique_id,
                        "extension": passage.extension,
                        "solved": solved,
                        "at": over,
                    }
                )
            return None
        if passage.outcome == "call_back" and caller is not None:
            self._call_back(random, call, over, passage.waited)
            return None
        if passage.outcome == "abandoned" and passage.waited < self._town.short_abandon_seconds:
            return None
        self._lost(random, call, over, passage.waited, again if tries else None)
        return again if tries else None

    def _dialog(
        self, random: Random, way: Row, at: datetime, unique_id: str, is_open: bool
    ) -> tuple[list[Row], datetime, bool]:
        """What is noted of the way through the dialog, when it ends, and whether it was gone to its end."""
        events: list[Row] = []

        def note(node: str, event: str, detail: str = "") -> None:
            events.append(_event(unique_id, len(events) + 1, node, event, detail, moment))

        moment = at + timedelta(seconds=0.6)
        steps = list(way["steps"])
        if not is_open and not any(step.startswith("welcome.closed") for step in steps):
            steps.insert(1, "welcome.closed 9")
        for step in steps:
            node, seconds, *pressed = step.split(" ", 2)
            answer = pressed[0] if pressed else ""
            note(node, "entered")
            spent = float(seconds) * random.uniform(0.7, 1.4)
            if random.random() < _HANGS_UP:
                moment += timedelta(seconds=spent * random.random())
                note(node, "hung_up")
                return events, moment, False
            trouble = random.random() if answer and not answer.startswith("!") else 1.0
            if trouble < _SILENT + _WRONG:
                moment += timedelta(seconds=spent + 5)
                note(node, "silence" if trouble < _SILENT else "wrong")
            moment += timedelta(seconds=spent)
            if answer.startswith("!"):
                note(node, "recorded", f"{answer[1:]} s")
            elif answer == "0":
                note(node, "asked_for_person")
            elif answer:
                note(node, "answered", answer)
        return events, moment, True

    def _lost(self, random: Random, call: Row, at: datetime, waited: float, again: datetime | None) -> None:
        """A call that reached nobody: an item of the list, which closes itself or is called back."""
        caller = call["caller_e164"]
        back = self._shape.working(at + timedelta(minutes=random.uniform(10, 150)))
        lost: Row = {"call_unique_id": call["unique_id"], "request": None, "lost_at": at}
        self.made.lost_calls.append(lost)
        if caller is None:
            return
        closed = min(again + timedelta(minutes=4) if again else back, self._until - timedelta(minutes=1))
        details = LostCallDetails(
            calls=1,
            first_at=at,
            last_at=at,
            longest_wait=int(waited),
            closed=Closed.CALLED_AGAIN if again else Closed.CALLED_BACK,
        )
        key = f"{call['unique_id']}-lost"
        self._add(key, details, Channel.PHONE, at, 1, e164=caller, call=call, language=call["language"])
        self._done(key, max(closed, at + timedelta(seconds=30)), "system")
        lost["request"] = key

    def _call_back(self, random: Random, call: Row, at: datetime, waited: float) -> None:
        caller = call["caller_e164"]
        since = at - timedelta(seconds=waited)
        served = self._shape.working(at + timedelta(minutes=random.uniform(2, 25)))
        key = f"{call['unique_id']}-back"
        self._add(
            key,
            CallBackDetails(number=caller, waiting_since=since),
            Channel.PHONE,
            at,
            1,
            e164=caller,
            call=call,
            language=call["language"],
        )
        done = min(served, self._until - timedelta(minutes=1))
        self._done(key, done, BY)
        self.made.call_backs.append(
            {
                "request": key,
                "e164": caller,
                "asked_by": caller,
                "asked_at": at,
                "waiting_since": since,
                "state": CallBackState.DONE,
                "attempts": 1,
                "not_reached": 0,
                "next_try_at": done,
                "last_result": CallBackResult.SERVED,
            }
        )

    # Requests

    def _file_by_phone(self, what: str, call: Row, at: datetime) -> None:
        if what == "booking":
            # Appointments are made for the places of the agenda, see there.
            return
        random = self._random(f"{call['unique_id']}-{what}")
        citizen = self._somebody(random, at)
        details, days = self._details(random, RequestKind(what), Channel.PHONE, at)
        identified = citizen if what in ("certificate", "course") else None
        key = f"{call['unique_id']}-{what}"
        self._add(
            key,
            details,
            Channel.PHONE,
            at,
            days,
            citizen=identified,
            e164=call["caller_e164"],
            call=call,
            language=call["language"],
        )
        self._work(random, key, details, at, identified)

    def _file(self) -> None:
        for day in self._shape.open_days:
            for entry in figures()["filed"]:
                if day.month not in entry.get("months", range(1, 13)):
                    continue
                kind, channel = RequestKind(entry["kind"]), Channel(entry["channel"])
                subject = f"{kind}-{channel}-{day:%m%d}"
                expected = entry["per_day"] * self._shape.factors[day]
                moments = self._shape.moments(self._random(subject), day, expected)
                for number, at in enumerate(moments):
                    random = self._random(f"{subject}-{number}")
                    if channel in (Channel.WEB, Channel.SMS):
                        at = datetime.combine(day, time(7), ROME)
                        at += timedelta(seconds=random.randrange(16 * 3600))
                    citizen = self._somebody(random, at) if channel is Channel.WEB else None
                    details, days = self._details(random, kind, channel, at)
                    if at >= self._until:
                        continue
                    caller = f"{NUMBERS}{random.randrange(_CALLERS):07d}"
                    key = f"{mark(self._year)}{subject}-{number}"
                    self._add(
                        key,
                        details,
                        channel,
                        at,
                        days,
                        citizen=citizen,
                        e164=citizen["e164"] if citizen else caller,
                    )
                    self._work(random, key, details, at, citizen)

    def _details(
        self, random: Random, kind: RequestKind, channel: Channel, at: datetime
    ) -> tuple[RequestDetails, int]:
        """What is asked for, and within how many working days it is due."""
        by = IdentifiedBy.BIRTH_DATE if channel is Channel.PHONE else IdentifiedBy.TAX_CODE
        if kind is RequestKind.CERTIFICATE:
            code = random.choice(sorted(self._town.certificates))
            free, fee, days = self._town.certificates[code]
            stamp = Stamp.FREE if free else random.choice((Stamp.PAID, Stamp.EXEMPT))
            copies = random.choice((1, 1, 1, 2))
            certificate = CertificateDetails(
                identified_by=by,
                fee=f"{fee * copies if stamp is Stamp.PAID else 0:.2f}",
                certificate=code,
                subject=Subject.SELF,
                copies=copies,
                delivery=random.choice((Delivery.COUNTER, Delivery.COUNTER, Delivery.HOME)),
                stamp=stamp,
            )
            return certificate, days
        if kind is RequestKind.REPORT:
            category = random.choice(sorted(self._town.report_categories))
            office, days = self._town.report_categories[category]
            words = None if channel is Channel.PHONE else "Segnalazione di esempio"
            seconds = 19.0 if channel is Channel.PHONE else None
            report = ReportDetails(
                category=category, office=office, seconds=seconds, place=words, message=words, call_back=False
            )
            return report, days
        if kind is RequestKind.COURSE:
            course = random.choice(list(self._town.courses))
            return CourseDetails(identified_by=by, fee="0.00", course=course, waiting=False), _COURSE_DAYS
        if kind is RequestKind.ROOM:
            room = random.choice(list(self._town.rooms))
            day = at.astimezone(ROME).date() + timedelta(days=random.randint(10, 90))
            return (
                RoomDetails(
                    identified_by=by,
                    room=room,
                    purpose=RoomUse.OTHER,
                    day=day,
                    part=random.choice(list(PartOfDay)),
                    people=random.randint(8, 40),
                ),
                _ROOM_DAYS,
            )
        if channel is Channel.SMS:
            return MessageDetails(text="Messaggio di esempio"), _DAYS
        return MessageDetails(seconds=16.0), _DAYS

    def _add(
        self,
        key: str,
        details: RequestDetails,
        channel: Channel,
        at: datetime,
        days: int,
        *,
        citizen: Row | None = None,
        e164: str | None = None,
        call: Row | None = None,
        language: str = "it",
    ) -> None:
        self.made.requests.append(
            {
                "reference": self._reference(key),
                "channel": channel,
                "kind": details.kind,
                "details": details,
                "citizen": citizen["tax_code"] if citizen else None,
                "contact_e164": e164,
                "state": RequestState.RECEIVED,
                "due_on": add_working_days(at.astimezone(ROME).date(), days),
                "filed_at": at,
                "idempotency_key": key,
                "call": call["unique_id"] if call else None,
                "language": language,
            }
        )
        self.made.periods.append(_period(key, RequestState.RECEIVED, at, channel.value))

    def _work(
        self, random: Random, key: str, details: RequestDetails, at: datetime, citizen: Row | None
    ) -> None:
        """What operators do with a request, and the messages of it."""
        operator = random.choice(list(self._town.operators))
        taken = self._shape.working(at + timedelta(hours=random.expovariate(1 / 3)))
        row = self.made.requests[-1]
        due = datetime.combine(row["due_on"], time(12), ROME)
        late = random.random() < 0.08 or due <= taken
        share = random.uniform(0.05, 0.95)
        after = due + timedelta(days=random.uniform(1, 5)) if late else taken + (due - taken) * share
        worked = self._shape.working(max(after, taken))
        ends = RequestState.REJECTED if random.random() < 0.03 else RequestState.DONE
        asks, agreed = random.random() < 0.05, random.random() < 0.6
        reply = self._shape.working(taken + (worked - taken) * 0.5)
        steps = [(RequestState.IN_PROGRESS, taken)]
        if asks and taken < reply < worked:
            between = taken + (reply - taken) / 2
            steps += [(RequestState.WAITING_CITIZEN, between), (RequestState.IN_PROGRESS, reply)]
        steps.append((ends, max(worked, taken + timedelta(minutes=5))))
        for state, moment in steps:
            if moment >= self._until:
                break
            self._done(key, moment, operator, state)
        texted = citizen is not None and row["contact_e164"] in self._consenting and agreed
        if not texted or not isinstance(details, CertificateDetails):
            return
        ready = f"{row['due_on']:%d/%m/%Y}"
        self._text(random, "certificate_receipt", at, row, {"ref": row["reference"], "day": ready})
        if row["state"] is RequestState.DONE:
            template = "certificate_ready" if details.delivery is Delivery.COUNTER else "request_done"
            self._text(random, template, self.made.periods[-1]["started_at"], row, {"ref": row["reference"]})

    def _done(self, key: str, at: datetime, by: str, state: RequestState = RequestState.DONE) -> None:
        """The latest request, which has ``key``, comes into another state."""
        request, period = self.made.requests[-1], self.made.periods[-1]
        assert request["idempotency_key"] == period["request"] == key
        period["ended_at"] = at
        request["state"] = state
        self.made.periods.append(_period(key, state, at, by))

    # Appointments

    def _book(self) -> None:
        for code, weekly in figures()["bookings"].items():
            patterns = self._town.services[code]
            slots = [
                (starts, pattern)
                for day in self._shape.days
                if is_working_day(day)
                for pattern in patterns
                if pattern.weekday == day.weekday()
                for starts in _slots(day, pattern)
            ]
            places = sum(pattern.places for _, pattern in slots)
            share = weekly * len(self._shape.days) / 7 / places
            for starts, pattern in slots:
                for place in range(pattern.places):
                    key = f"{mark(self._year)}{code}-{starts:%m%d%H%M}-{place}"
                    random = self._random(key)
                    if random.random() < share * self._shape.factors.get(starts.date(), 0):
                        self._booking(random, key, code, starts, pattern, place)

    def _booking(
        self, random: Random, key: str, code: str, starts: datetime, pattern: Pattern, place: int
    ) -> None:
        made_at = self._shape.working(starts - timedelta(days=random.uniform(2, 20)))
        channel = random.choices((Channel.PHONE, Channel.WEB, Channel.COUNTER), (4, 3, 3))[0]
        moved, cancelled = random.random() < 0.12, random.random() < 0.08
        came = random.choices((True, False, None), (87, 9, 4))[0]
        changed = made_at + (starts - made_at) * random.uniform(0.2, 0.8)
        other = starts + timedelta(days=random.choice((-7, -3, 2, 7)))
        citizen = self._somebody(random, made_at)
        number, agreed = random.randrange(_CALLERS), random.random() < 0.6
        if starts >= self._until or made_at >= starts or (code, starts, place) in self._town.slots:
            return
        if made_at.astimezone(ROME).year < self._year:
            made_at = self._shape.working(datetime(self._year, 1, 1, tzinfo=ROME))
            changed = made_at + (starts - made_at) * 0.5
            if made_at >= starts:
                return
        if citizen is not None and citizen["registered_at"] >= made_at:
            citizen = None
        e164 = citizen["e164"] if citizen else f"{NUMBERS}{number:07d}"
        # Who moves an appointment does so before the day it was made for and the day it is moved to.
        moved = moved and not cancelled and made_at < changed < min(starts, other)
        booking: Row = {
            "reference": self._reference(key),
            "service_code": code,
            "starts_at": starts,
            "ends_at": starts + timedelta(minutes=pattern.minutes),
            "state": BookingState.CANCELLED if cancelled else BookingState.BOOKED,
            "channel": channel,
            "citizen": citizen["tax_code"] if citizen else None,
            "contact_e164": e164,
            "identified_by": IdentifiedBy.BIRTH_DATE if citizen and channel is Channel.PHONE else None,
            "language": "it",
            "idempotency_key": key,
            "booked_at": made_at,
            "revision": 1 if moved or cancelled else 0,
            "came": None if cancelled else came,
        }
        self.made.bookings.append(booking)
        steps = [(BookingStep.BOOKED, other if moved else starts, made_at)]
        if moved or cancelled:
            steps.append((BookingStep.MOVED if moved else BookingStep.CANCELLED, starts, changed))
        self.made.booking_changes += [
            {"booking": key, "step": step, "starts_at": at, "at": when, "by": channel.value}
            for step, at, when in steps
        ]
        if not cancelled:
            self.made.slot_places.append(
                {"booking": key, "service_code": code, "starts_at": starts, "place": place, "holder": key}
            )
        if e164 in self._consenting and agreed:
            local = starts.astimezone(ROME)
            values = {
                "ref": booking["reference"],
                "day": f"{local:%d/%m/%Y}",
                "time": f"{local:%H:%M}",
                "place": self._town.places[code],
            }
            row = {"contact_e164": e164, "language": "it", "idempotency_key": key}
            self._text(random, "appointment_booked", made_at, row, values)
            if not cancelled and starts - made_at > timedelta(days=1):
                evening = datetime.combine(local.date() - timedelta(days=1), time(17), ROME)
                if evening > made_at:
                    self._text(random, "appointment_reminder", evening, row, values)

    # What all have

    def _text(self, random: Random, template: str, at: datetime, row: Row, values: dict[str, str]) -> None:
        state = random.choices(list(_STATES), list(_STATES.values()))[0]
        key = f"{row['idempotency_key']}-{template}"
        # A receipt that is still awaited belongs to a provider that knows nothing of this.
        if at + timedelta(hours=1) >= self._until:
            return
        text = templates("it")[template]
        sent = state not in (MessageState.FAILED, MessageState.VOICE_NOTICE)
        self.made.messages.append(
            {
                "id": str(uuid.uuid5(uuid.NAMESPACE_URL, key)),
                "state": state,
                "created_at": at,
                "not_before": at,
                "attempts": 1 if sent else 0,
                "claimed_at": None,
                "sent_at": at + timedelta(seconds=5) if sent else None,
                "failure": "30003" if state is MessageState.UNDELIVERED else None,
                "request": row["idempotency_key"] if "filed_at" in row else None,
                "to_e164": row["contact_e164"],
                "template": template,
                "template_version": text.version,
                "language": row["language"],
                "body": text.fill(values),
                "provider_id": key if sent else None,
                "route": BY if sent else None,
                "idempotency_key": key,
            }
        )

    def _reference(self, key: str) -> str:
        random = self._random(f"reference {key}")
        while (reference := new_reference(random)) in self._references:
            continue
        self._references.add(reference)
        return reference


def _event(unique_id: str, seq: int, node: str, event: str, detail: str, at: datetime) -> Row:
    return {"call": unique_id, "seq": seq, "node": node, "event": event, "detail": detail, "at": at}


def _period(key: str, state: RequestState, at: datetime, by: str) -> Row:
    return {"request": key, "state": state, "started_at": at, "ended_at": None, "by": by}


def _slots(day: date, pattern: Pattern) -> list[datetime]:
    begins, ends = (datetime.combine(day, clock, ROME) for clock in (pattern.begins, pattern.ends))
    step = timedelta(minutes=pattern.minutes)
    return [begins + step * number for number in range(int((ends - begins) / step))]
