"""The figures of a generated month are those that pandas finds in the raw rows, without our own code."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pandas as pd
from sqlalchemy import select

from desk.call_log import CallEnd, CallRecord, log_call
from desk.db import Sessions, reading, transaction
from desk.models import Call, Phone, QueueEvent
from desk.queue_history import QueueLine, keep_queue_lines
from reports.calls import By, Limits, call_figures, total
from reports.periods import month
from reports.rollups import refresh

#: The clocks are put back on its last Sunday.
OCTOBER = month(date(2026, 10, 1))
NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)
ENDS = ["COMPLETEAGENT", "COMPLETECALLER", "BLINDTRANSFER", "ATTENDEDTRANSFER"]


def generate(sessions: Sessions, count: int) -> None:
    """Calls at any hour, some of them handed on, from few numbers, so that many call again."""
    chance = random.Random(7)
    lines: list[QueueLine] = []
    with transaction(sessions) as session:
        for number in range(count):
            call = f"{number}.0"
            began = OCTOBER.begins_at + timedelta(seconds=chance.randrange(31 * 86400 + 3600))
            caller = f"+39333111{chance.randrange(30):04}"
            log_call(
                session,
                CallRecord(
                    unique_id=call,
                    caller=caller,
                    called="+390200000100",
                    started_at=began,
                    end=CallEnd(
                        outcome="operator", language=chance.choice(["it", "en"]), last_node="person", at=began
                    ),
                ),
            )
            at = began.replace(microsecond=0) + timedelta(seconds=20)

            def line(at: datetime, event: str, agent: str, *data: str, call: str = call) -> None:
                lines.append(QueueLine(at, call, "desk", agent, event, data))

            line(at, "ENTERQUEUE", "NONE", "", caller, "1")
            at += timedelta(seconds=chance.randrange(90))
            if chance.random() < 0.25:
                line(at, "ABANDON", "NONE", "1", "1", "0")
                continue
            for turn in range(chance.choice([1, 1, 1, 2, 3])):
                agent = chance.choice(["201", "101", "102"])
                if turn:
                    lines[-1] = QueueLine(
                        lines[-1].at, call, "desk", lines[-1].agent, "BLINDTRANSFER", ("104", "phones")
                    )
                    at += timedelta(seconds=chance.randrange(1, 20))
                line(at, "CONNECT", agent, "0", "x", "1")
                at += timedelta(seconds=chance.randrange(1, 400))
                line(at, chance.choice(ENDS[:2]), agent, "0", "0", "1")
        chance.shuffle(lines)
        keep_queue_lines(session, "log", list(enumerate(lines)), NOW)
    refresh(sessions, now=NOW)


def test_as_pandas_finds_them(town: Sessions) -> None:
    generate(town, 400)
    with reading(town) as session:
        log = pd.DataFrame(
            [
                (row.at, row.call_unique_id, row.agent, row.event)
                for row in session.scalars(select(QueueEvent))
            ],
            columns=["at", "call", "agent", "event"],
        ).sort_values("at", kind="stable")
        calls = pd.DataFrame(
            session.execute(select(Call.unique_id, Call.caller_e164, Call.language)).all(),
            columns=["call", "caller", "language"],
        ).set_index("call")
        tiers = {phone.extension: phone.tier.value for phone in session.scalars(select(Phone))}
        limits = Limits(30, 10)
        ours = total(session, OCTOBER, limits=limits)
        days = {
            group.key: group.figures for group in call_figures(session, OCTOBER, by=By.DAY, limits=limits)
        }
        hours = {group.key: group.figures for group in call_figures(session, OCTOBER, by=By.HOUR)}
        operators = {group.key: group.figures for group in call_figures(session, OCTOBER, by=By.OPERATOR)}
        languages = {group.key: group.figures for group in call_figures(session, OCTOBER, by=By.LANGUAGE)}

    first = log.groupby(["call", "event"]).first().unstack()["at"]
    stays = calls.join(first)
    stays["answered"] = stays["CONNECT"].notna()
    stays["wait"] = (stays["CONNECT"].fillna(stays["ABANDON"]) - stays["ENTERQUEUE"]).dt.total_seconds()
    stays["here"] = stays["ENTERQUEUE"].dt.tz_convert("Europe/Rome")
    given_up = stays[~stays["answered"]]
    answered = stays[stays["answered"]]
    assert (ours.offered, ours.answered, ours.abandoned) == (len(stays), len(answered), len(given_up))
    assert ours.asa == answered["wait"].mean()
    assert ours.longest_wait == stays["wait"].max()
    in_time = (answered["wait"] <= 30).sum()
    assert ours.service_level == in_time / (len(stays) - (given_up["wait"] < 10).sum())

    took = log[log["event"] == "CONNECT"].groupby("call")["agent"].first().map(tiers)
    assert (ours.by_back_office, ours.by_counter) == (
        (took == "back_office").sum(),
        (took == "counter").sum(),
    )

    # Each conversation is a CONNECT and what follows it in the same call.
    talks = log[log["event"].isin(["CONNECT", *ENDS])].copy()
    talks["end"] = talks.groupby("call")["at"].shift(-1)
    talks["how"] = talks.groupby("call")["event"].shift(-1)
    talks = talks[talks["event"] == "CONNECT"]
    talks["seconds"] = (talks["end"] - talks["at"]).dt.total_seconds()
    assert ours.talks == len(talks)
    assert ours.mean_talk == talks["seconds"].mean()
    assert ours.transfers == (talks["how"] == "BLINDTRANSFER").sum() > 0
    by_agent = talks.groupby("agent")["seconds"].agg(["count", "sum"])
    assert {key: (one.talks, one.talk_seconds) for key, one in operators.items()} == {
        agent: (row["count"], row["sum"]) for agent, row in by_agent.iterrows()
    }

    by_day = stays.groupby(stays["here"].dt.date)["wait"].agg(["count", "max"])
    assert {day: (one.offered, one.longest_wait) for day, one in days.items() if one.offered} == {
        day: (row["count"], row["max"]) for day, row in by_day.iterrows()
    }
    assert {key: one.offered for key, one in hours.items() if one.offered} == dict(
        stays.groupby(stays["here"].dt.hour).size()
    )
    assert {key: one.offered for key, one in languages.items()} == dict(stays.groupby("language").size())

    answered = answered.sort_values("ENTERQUEUE")
    following = answered.groupby("caller")["ENTERQUEUE"].shift(-1) - answered["ENTERQUEUE"]
    assert ours.repeated == (following <= pd.Timedelta(days=7)).sum() > 0
