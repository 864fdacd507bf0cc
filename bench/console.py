"""``python -m bench.console [--quick]``: how quick the operators' pages are after two years of work.

100 000 requests and 1 000 000 calls (a tenth with ``--quick``), on SQLite and on PostgreSQL. The application
is served as in production, and asked over HTTP by an operator who is logged in. Two baselines of the same
run: a page that asks the database nothing, and the same pages of the town before its first day of work. Then
50 consoles are open at once, each with its stream of what goes on and the list that keeps itself current,
while calls ring, pages are opened and requests are taken.

Exits with 1 if a page failed or a stream missed something; a missed aim is printed.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlencode

import click
from sqlalchemy import select, text

from bench.large_town import COMPANY, FIRST_CITIZEN, Size, call_of, fill, load_town, number_of
from bench.serving import SERVE, Server, serving
from desk import db
from desk.casework import Act
from desk.demo import demo_logins
from desk.desk_now import Member, OnCall, OnCallState, PhoneState, QueueNow, note_queue
from desk.find_requests import Sort, Standing, Whose
from desk.keyring import open_keyring
from desk.models import Channel, Citizen, Phone, Request, RequestKind, RequestState, Role
from desk.operators import create_operator
from desk.settings import ROME, Settings
from tests.conftest import private_postgres

FULL, QUICK = Size(100_000, 1_000_000), Size(10_000, 100_000)
#: The aim for a list (milliseconds, 95 of 100 pages), and for a change until the last stream has told it.
LIST_AIM, NEWS_AIM = 100.0, 1000.0
CONSOLES = 50
#: Seconds between two questions of a list that is open (console/static/live.js), and between two pages that
#: an operator opens.
LIST_EVERY, PAGE_EVERY = 2.0, 10.0
#: Seconds between two changes at the desk. The feed looks twice a second, so each is seen.
CHANGE_EVERY = 1.1
#: Seconds for which the consoles stay open.
OPEN, OPEN_QUICK = 60.0, 15.0
PASSWORD = "Misurata-2026"  # noqa: S105 - of an invented town
_PATIENCE = 30.0
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Failed(Exception):
    """A page was not what it should be."""


class Console:
    """A browser of an operator who is logged in."""

    def __init__(self, port: int, login: str) -> None:
        self._port = port
        self._cookies: dict[str, str] = {}
        self._connection = HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
        form = self.get("/console/login")
        self.token = _token(form.body)
        self.post("/console/login", login=login, password=PASSWORD, status=303)
        # Each log-in begins a new session, with a new token.
        self.token = _token(self.get("/console/profile").body)

    def get(self, path: str, **headers: str) -> Answer:
        """A page. Raises :class:`Failed`."""
        return self._ask(
            "GET", path, None, {name.replace("_", "-"): value for name, value in headers.items()}
        )

    def post(self, path: str, *, status: int = 200, **fields: str | Sequence[str]) -> Answer:
        """What a form is answered. Raises :class:`Failed` where that is not ``status``."""
        body = urlencode({**fields, "csrf_token": self.token}, doseq=True)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", path, body, headers, status)

    def stream(self, path: str) -> tuple[HTTPConnection, Iterator[bytes]]:
        """A connection of its own, and the lines that come over it."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=_PATIENCE)
        connection.request("GET", path, headers=self._cookie())
        answer = connection.getresponse()
        if answer.status != 200:
            raise Failed(f"{path}: {answer.status}")
        return connection, iter(answer.readline, b"")

    def _cookie(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}

    def _ask(
        self, method: str, path: str, body: str | None, headers: Mapping[str, str], status: int = 200
    ) -> Answer:
        for attempt in range(2):
            try:
                begun = time.perf_counter()
                self._connection.request(method, path, body, {**headers, **self._cookie()})
                answer = self._connection.getresponse()
                page = answer.read()
                took = time.perf_counter() - begun
                break
            except (HTTPException, ConnectionError):
                # The server closes what was silent for some seconds; a browser asks again, too.
                self._connection.close()
                if attempt:
                    raise
        for name, value in answer.getheaders():
            if name == "Set-Cookie":
                cookie, _, kept = value.partition(";")[0].partition("=")
                self._cookies[cookie] = kept
        if answer.status not in {status, 304}:
            raise Failed(f"{method} {path}: {answer.status}")
        return Answer(took * 1000, page.decode(), answer.getheader("ETag") or "")


@dataclass(frozen=True, slots=True)
class Answer:
    """A page: milliseconds until it was there, what it is, and its version."""

    took: float
    body: str
    version: str


@dataclass(frozen=True, slots=True)
class Pages:
    """Pages of one sort. ``open_them`` opens one after the other and says which, and how long each took."""

    name: str
    is_list: bool
    open_them: Callable[[Console], Iterator[tuple[str, float]]]


@dataclass(frozen=True, slots=True)
class Times:
    """How long pages of one sort took (milliseconds), and which was the slowest."""

    count: int
    middle: float
    most: float
    slowest: str

    @classmethod
    def of(cls, taken: Sequence[tuple[str, float]]) -> Times:
        """Of pages and what each took."""
        times = [took for _, took in taken]
        return cls(len(times), statistics.median(times), p95(times), max(taken, key=lambda each: each[1])[0])


def _token(page: str) -> str:
    """What a form of the page has to send with it."""
    found = _TOKEN.search(page)
    if found is None:
        raise Failed("a page without a form")
    return found[1]


def p95(times: Sequence[float]) -> float:
    """What 95 of 100 do not exceed."""
    return sorted(times)[max(0, -(-len(times) * 95 // 100) - 1)]


# --- which pages


def pages_of(sessions: db.Sessions, size: Size, *, worked: bool) -> Sequence[Pages]:
    """The pages of a town, with what only a town has that worked for years."""
    chance = random.Random(1)  # noqa: S311  nothing secret
    visits = 60 if size == FULL else 30
    lists = "/console/requests"
    single = list(_single_filters())
    combined = chance.sample(list(_combined_filters()), 4 * visits)
    found = [
        Pages("requests, as the list opens", True, _gets([lists] * visits)),
        Pages("requests, one filter", True, _gets(single * 2)),
        Pages("requests, several filters", True, _gets(combined)),
        Pages("requests, the open list asks", True, _gets([f"{lists}/live"] * visits)),
        Pages("who is to be called back", True, _gets(["/console/phone/to-call"] * visits)),
        Pages("the phone's page", False, _gets(["/console/phone"] * visits)),
        Pages("agenda, a day", True, _gets(_days(chance, visits, "day"))),
        Pages("agenda, a week", True, _gets(_days(chance, visits, "week"))),
        Pages("changes", True, _gets(_changes(sessions, chance, visits))),
        Pages("jobs", True, _gets(["/console/jobs"] * visits)),
        Pages("operators", True, _gets(["/console/operators"] * visits)),
    ]
    if not worked:
        return found
    with db.reading(sessions) as session:
        ids = session.execute(select(Request.id, Request.reference)).all()
        references = [reference for _, reference in chance.sample(ids, 2 * visits)]
        open_ones = session.scalars(
            select(Request.reference).where(Request.state == RequestState.RECEIVED).limit(500)
        ).all()
        citizens = session.execute(
            select(Citizen.last_name, Citizen.first_name, Citizen.birth_date, Citizen.tax_code)
            .where(Citizen.id >= FIRST_CITIZEN)
            .limit(visits)
        ).all()
    numbers = [FIRST_CITIZEN + chance.randrange(size.citizens) for _ in range(visits)]
    deep = [
        f"{lists}?{urlencode({'state': standing, 'sort': sort, 'after': chance.choice(ids)[0]})}"
        for _ in range(visits // 6)
        for standing in (Standing.ALL, Standing.OPEN, RequestState.DONE)
        for sort in Sort
    ]
    people = [f"{person.last_name} {person.first_name}" for person in citizens]
    surnames = [person.last_name for person in citizens]
    return [
        *found,
        Pages("requests, deep pages", True, _gets(deep)),
        Pages("search by name", True, _searches([*surnames, *people, "Ro", "D'A", "Zzz"])),
        Pages("search by number", True, _searches([number_of(number) for number in numbers])),
        Pages("search by reference", True, _searches(references[:visits])),
        Pages("found, filtered", True, _searches(surnames[: visits // 6], [*_single_filters()][:12])),
        Pages("take 50 at once", False, _bulk(open_ones, 50)),
        Pages("a request", False, _gets([f"{lists}/{reference}" for reference in references])),
        Pages(
            "a citizen is found",
            True,
            _finds(
                [
                    {"last_name": person.last_name, "first_name": "", "born": str(person.birth_date)}
                    for person in citizens
                ]
                + [{"tax_code": person.tax_code} for person in citizens]
                + [{"phone": number_of(number)} for number in numbers]
            ),
        ),
        Pages("a citizen's card", False, _gets([f"/console/citizens/{number}" for number in numbers])),
        Pages("who calls, while it rings", False, _cards(sessions, size, OnCallState.RINGING, visits)),
        Pages("who calls, in the talk", False, _cards(sessions, size, OnCallState.TALKING, visits)),
    ]


def _single_filters() -> Iterator[str]:
    for name, members in (
        ("state", (*Standing, *RequestState)),
        ("kind", RequestKind),
        ("channel", Channel),
        ("whose", Whose),
        ("sort", Sort),
        ("since", [_ago(days) for days in (1, 30, 365)]),
        ("until", [_ago(days) for days in (30, 365)]),
    ):
        for member in members:
            yield f"/console/requests?{urlencode({name: member})}"


def _combined_filters() -> Iterator[str]:
    for state in (*Standing, *RequestState):
        for kind in ("", *RequestKind):
            for channel in ("", *Channel):
                for whose in Whose:
                    for since in ("", _ago(7), _ago(400)):
                        for sort in Sort:
                            said = {
                                "state": state,
                                "kind": kind,
                                "channel": channel,
                                "whose": whose,
                                "since": since,
                                "sort": sort,
                            }
                            yield f"/console/requests?{urlencode(said)}"


def _ago(days: int) -> str:
    return f"{datetime.now(ROME).date() - timedelta(days=days)}"


def _days(chance: random.Random, visits: int, view: str) -> list[str]:
    offices = ("social_services", "private_building", "land_registry", "counters")
    asked = (
        {"office": office, "view": view, "day": _ago(chance.randrange(-40, 300))}
        for office in offices
        for _ in range(visits // len(offices))
    )
    return [f"/console/agenda?{urlencode(each)}" for each in asked]


def _changes(sessions: db.Sessions, chance: random.Random, visits: int) -> list[str]:
    with db.reading(sessions) as session:
        last = session.scalar(text("SELECT max(id) FROM town_changes")) or 1
    deep = [f"/console/changes?before={chance.randrange(last) + 1}" for _ in range(visits // 2)]
    return ["/console/changes"] * (visits // 2) + deep


def _gets(paths: Sequence[str]) -> Callable[[Console], Iterator[tuple[str, float]]]:
    def open_them(console: Console) -> Iterator[tuple[str, float]]:
        for path in paths:
            yield path, console.get(path).took

    return open_them


def _searches(
    typed: Sequence[str], lists: Sequence[str] = ("/console/requests?",)
) -> Callable[[Console], Iterator[tuple[str, float]]]:
    """Searching, and the list of what was found: the two together are what an operator waits for."""

    def open_them(console: Console) -> Iterator[tuple[str, float]]:
        for words in typed:
            searched = console.post("/console/requests/search", search=words, status=303).took
            for path in lists:
                yield f"{path} {words!r}", searched + console.get(f"{path}&found=1").took

    return open_them


def _finds(forms: Sequence[Mapping[str, str]]) -> Callable[[Console], Iterator[tuple[str, float]]]:
    def open_them(console: Console) -> Iterator[tuple[str, float]]:
        for form in forms:
            try:
                took = console.post("/console/citizens", status=303, **form).took
            except Failed:
                # Several were found, or one number is a family's: a list.
                took = console.post("/console/citizens", status=200, **form).took
            yield ", ".join(form), took

    return open_them


def _bulk(references: Sequence[str], at_once: int) -> Callable[[Console], Iterator[tuple[str, float]]]:
    def open_them(console: Console) -> Iterator[tuple[str, float]]:
        for first in range(0, len(references) - at_once + 1, at_once):
            chosen = references[first : first + at_once]
            took = console.post("/console/requests/bulk", act=Act.TAKE.value, reference=chosen).took
            yield f"{len(chosen)} requests", took

    return open_them


def _cards(
    sessions: db.Sessions, size: Size, state: OnCallState, visits: int
) -> Callable[[Console], Iterator[tuple[str, float]]]:
    def open_them(console: Console) -> Iterator[tuple[str, float]]:
        console.post("/console/phone/place", extension="201", device="desk")
        with db.reading(sessions) as session:
            companys = session.scalars(
                text("SELECT id FROM calls WHERE caller_e164 = :number ORDER BY id DESC LIMIT 5"),
                {"number": COMPANY},
            ).all()
        for call in (*companys, *range(size.calls - visits, size.calls)):
            ring(sessions, call_of(call), state)
            yield f"call {call}", console.get(f"/console/phone/card/{call_of(call)}").took

    return open_them


def ring(sessions: db.Sessions, call: str, state: OnCallState) -> None:
    """The worker sees a call at the phone 201."""
    now = datetime.now(UTC)
    with db.transaction(sessions, durable=False) as session:
        phones = session.scalars(select(Phone.extension)).all()
        note_queue(
            session,
            QueueNow(
                now,
                1,
                now,
                {phone: Member(PhoneState.FREE) for phone in phones},
                {},
                (OnCall(call, "201", state, now, citizen=True),),
            ),
        )


# --- measuring


def measure(console: Console, pages: Sequence[Pages]) -> Mapping[str, Times]:
    """Open them all, each sort once before it counts."""
    found = {}
    for each in pages:
        taken = list(each.open_them(console))
        found[each.name] = Times.of(taken)
    return found


def show(pages: Sequence[Pages], full: Mapping[str, Times], empty: Mapping[str, Times], bare: float) -> bool:
    """Print the pages; whether the aim for lists holds."""
    held = True
    click.echo(f"  {'':34} pages    p50 ms   p95 ms   bare   first day")
    for each in pages:
        times, before = full[each.name], empty.get(each.name)
        line = f"  {each.name:34} {times.count:5}  {times.middle:8.1f} {times.most:8.1f}"
        line += f"  x{times.most / bare:4.0f}"
        line += f"   x{times.most / before.most:6.1f}" if before else f"   {'-':>7}"
        if each.is_list and times.most > LIST_AIM:
            held = False
            line += f"   aim of {LIST_AIM:.0f} ms missed; slowest: {times.slowest}"
        click.echo(line)
    return held


# --- many consoles


@dataclass(slots=True)
class Heard:
    """What came over one stream: each call that was told, and when."""

    at: dict[str, float] = field(default_factory=dict)
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Crowd:
    """Consoles that were open at once. Milliseconds and MB."""

    pages: Sequence[float]
    lists: Sequence[float]
    delays: Sequence[float]
    lost: int
    before: tuple[float, int]
    during: tuple[float, int]
    cpu: float


def crowd(
    server: Server, sessions: db.Sessions, logins: Sequence[str], paths: Sequence[str], seconds: float
) -> Crowd:
    """Open a console of each operator for so long. Raises :class:`Failed`."""
    consoles = [Console(server.port, login) for login in logins]
    worker = _worker_of(server)
    before = _use(worker)
    over = threading.Event()
    heard = [Heard() for _ in consoles]
    pages: list[float] = []
    lists: list[float] = []
    failures: list[str] = []

    def listen(console: Console, mine: Heard) -> None:
        try:
            connection, lines = console.stream("/console/live")
            with contextlib.closing(connection):
                for line in lines:
                    if line.startswith(b"data: "):
                        now = time.perf_counter()
                        for on in json.loads(line[6:])["calls"]:
                            mine.at.setdefault(on["call"], now)
                    if over.is_set():
                        return
            mine.failure = "a stream ended"
        except (Failed, OSError, HTTPException) as e:
            mine.failure = str(e)

    def work(console: Console, place: int) -> None:
        chance = random.Random(place)  # noqa: S311  nothing secret
        begun = time.perf_counter() + LIST_EVERY * chance.random()
        due, version = begun + PAGE_EVERY * chance.random(), ""
        over.wait(max(0.0, begun - time.perf_counter()))
        try:
            while not over.is_set():
                answer = console.get("/console/requests/live", If_None_Match=version)
                version = answer.version or version
                lists.append(answer.took)
                if time.perf_counter() >= due:
                    due += PAGE_EVERY
                    path = chance.choice(paths)
                    if path.endswith("/act"):
                        pages.append(console.post(path, act=Act.TAKE.value, status=303).took)
                    else:
                        pages.append(console.get(path).took)
                over.wait(LIST_EVERY)
        except (Failed, OSError, HTTPException) as e:
            failures.append(str(e))

    threads = [
        *(threading.Thread(target=listen, args=pair) for pair in zip(consoles, heard, strict=True)),
        *(threading.Thread(target=work, args=(console, place)) for place, console in enumerate(consoles)),
    ]
    for thread in threads:
        thread.start()
    time.sleep(LIST_EVERY)
    begun, cpu = time.perf_counter(), _cpu(worker)
    told: dict[str, float] = {}
    while time.perf_counter() - begun < seconds:
        call = f"bench-{len(told)}"
        ring(sessions, call, OnCallState.RINGING)
        told[call] = time.perf_counter()
        time.sleep(CHANGE_EVERY)
    time.sleep(2)
    during = _use(worker)
    used = (_cpu(worker) - cpu) / (time.perf_counter() - begun)
    over.set()
    # One more, so that each stream has a line to wake up from.
    ring(sessions, "bench-end", OnCallState.RINGING)
    for thread in threads:
        thread.join(_PATIENCE)
    failures += [each.failure for each in heard if each.failure]
    if failures:
        raise Failed(failures[0])
    delays = [(each.at[call] - at) * 1000 for each in heard for call, at in told.items() if call in each.at]
    return Crowd(pages, lists, delays, len(heard) * len(told) - len(delays), before, during, used)


def show_crowd(found: Crowd) -> None:
    """Print it."""
    missed = "" if p95(found.lists) <= LIST_AIM else f"   aim of {LIST_AIM:.0f} ms missed"
    late = "" if max(found.delays) <= NEWS_AIM else f"   aim of {NEWS_AIM:.0f} ms missed"
    click.echo(f"  {CONSOLES} consoles at once: server at {found.cpu * 100:.0f} % of a core")
    for name, times, more in (
        ("pages that are opened", found.pages, ""),
        ("the open list asks", found.lists, missed),
        ("a change in all streams", found.delays, f"   last {max(found.delays):.0f} ms{late}"),
    ):
        click.echo(
            f"    {name:24} {len(times):5}   p50 {statistics.median(times):6.1f} ms   "
            f"p95 {p95(times):6.1f} ms{more}"
        )
    (memory, threads), (more_memory, more_threads) = found.before, found.during
    click.echo(f"    changes that a stream missed: {found.lost}")
    click.echo(
        f"    memory {memory:.0f} MB before, {more_memory:.0f} MB with them; "
        f"threads {threads} before, {more_threads} with them"
    )


def _worker_of(server: Server) -> int:
    """The process that answers: gunicorn's one worker."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text(encoding="ascii").split()
    return int(children[0])


def _use(pid: int) -> tuple[float, int]:
    """MB of memory, and threads, of a process."""
    status = dict(
        line.split(":", 1)
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
        if ":" in line
    )
    return int(status["VmRSS"].split()[0]) / 1024, int(status["Threads"])


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- the run


def run(name: str, settings: Settings, size: Size) -> bool:
    """One database: fill, measure, print. Whether all went well; raises :class:`Failed`."""
    db.migrate(settings.url)
    engine = db.connect(settings.url)
    sessions = db.sessions(engine)
    keyring = open_keyring(settings.home, extensions=(), logins=demo_logins())
    now = datetime.now(UTC)
    load_town(sessions, settings, keyring, now)
    logins = [f"op{number:02}" for number in range(CONSOLES)]
    with db.transaction(sessions) as session:
        for login in logins:
            create_operator(
                session, login=login, name=f"Operatore {login}", password=PASSWORD, role=Role.ADMIN
            )
    with serving(SERVE, settings) as server:
        console = Console(server.port, logins[0])
        pages = pages_of(sessions, size, worked=False)
        measure(console, pages)
        empty = measure(console, pages)
    begun = time.perf_counter()
    fill(engine, size, logins[1:6], now)
    click.echo(
        f"{name}: {size.requests:,} requests and {size.calls:,} calls written in "
        f"{time.perf_counter() - begun:.0f} s"
    )
    with serving(SERVE, settings) as server:
        console = Console(server.port, logins[0])
        bare = Times.of([*_gets(["/console/accessibility"] * 100)(console)]).middle
        pages = pages_of(sessions, size, worked=True)
        full = measure(console, pages)
        click.echo(f"  a page that asks nothing: {bare:.1f} ms")
        held = show(pages, full, empty, bare)
        click.echo(f"  p95 <= {LIST_AIM:.0f} ms for lists: {'holds' if held else 'MISSED'}")
    with serving(SERVE, settings) as server:
        found = crowd(server, sessions, logins, _everyday(sessions), OPEN if size == FULL else OPEN_QUICK)
        show_crowd(found)
    engine.dispose()
    return found.lost == 0


def _everyday(sessions: db.Sessions) -> Sequence[str]:
    """What operators open, and requests that they take."""
    with db.reading(sessions) as session:
        waiting = session.scalars(
            select(Request.reference)
            .where(Request.state == RequestState.RECEIVED)
            .order_by(Request.id.desc())
            .limit(200)
        ).all()
    return [
        *(f"/console/requests/{reference}" for reference in waiting),
        *(f"/console/citizens/{number}" for number in range(FIRST_CITIZEN, FIRST_CITIZEN + 100)),
        *["/console/requests", "/console/agenda?view=week", "/console/phone/to-call"] * 30,
    ]


@contextlib.contextmanager
def _databases(only: str | None) -> Iterator[dict[str, Settings]]:
    with tempfile.TemporaryDirectory(prefix="centralino-bench-") as folder, contextlib.ExitStack() as stack:
        found = {}
        for name in ("SQLite", "PostgreSQL"):
            if only in (None, name):
                home = Path(folder) / name
                home.mkdir()
                url = "" if name == "SQLite" else stack.enter_context(private_postgres()).create()
                found[name] = Settings(home=home, database_url=url)
        yield found


@click.command()
@click.option("--quick", is_flag=True, help="A tenth of the requests and calls.")
@click.option("--only", type=click.Choice(["SQLite", "PostgreSQL"]), help="One database only.")
def main(quick: bool, only: str | None) -> None:
    """Measure and print."""
    try:
        with _databases(only) as databases:
            well = [run(name, settings, QUICK if quick else FULL) for name, settings in databases.items()]
    except Failed as e:
        raise click.ClickException(str(e)) from e
    sys.exit(0 if all(well) else 1)


if __name__ == "__main__":
    main()
