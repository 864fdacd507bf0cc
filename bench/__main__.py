"""``python -m bench [--quick]``: what a call costs, how many calls go at once, how long a caller waits.

In one run, on a private town with an Asterisk of its own:

* CPU per call at 20 calls/s of (a) a dialplan-only menu with the sounds and keys of the certificate dialog,
  (b) the dialog on our AGI server, with the request it files, (c) the same dialog as one process per call;
* calls until the rate is 80 calls/s, and as many whole dialogs at once as (b) has in one round;
* the waits of a caller, heard in the RTP: from the answer to the first sound, from a key to the next prompt.

Exits with 1 if a call failed or something could not be measured. A missed aim is printed, no failure: the
figures depend on what else the machine does.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import click

from bench.latency import LOAD, Waits, measure
from bench.load import LISTEN, SHORT, SHORT_LISTEN, WHOLE, Count, Rising, load
from bench.menu import MENU_NUMBER, SCRIPT_NUMBER
from bench.town import NotMeasured, Town, private_town

#: Calls per second of (a) and (b), and of (c), whose processes take over a second of CPU each: faster ones
#: start too late for the first key and would be compared although they do not file anything.
RATE, SCRIPT_RATE = 20.0, 0.4
#: The rate up to which short calls rise (calls/s), and the aim for calls at once.
TOP_RATE, AT_ONCE = 80.0, 200

MOST_OF_MENU, LEAST_OF_SCRIPT, MOST_KEY_WAIT = 2.0, 20.0, 0.060


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured. ``calls`` are per round."""

    rounds: int
    calls: int
    script_calls: int
    rising: Rising
    seconds_at_top: int
    measured_calls: int
    listen: float

    @property
    def short_calls(self) -> int:
        """Calls until the rate is at its top, and ``seconds_at_top`` of them there."""
        steps = round(self.rising.end / self.rising.step)
        before = sum(self.rising.step * step * self.rising.seconds for step in range(1, steps))
        return round(before + self.rising.end * self.seconds_at_top)


FULL = Plan(3, 240, 12, Rising(10, 2, TOP_RATE), 6, 45, LISTEN)
QUICK = Plan(1, 40, 3, Rising(40, 2, TOP_RATE), 2, 6, 1.0)
#: Short calls are of so many citizens in turn.
_REGULARS = 400


@dataclass(slots=True)
class Cost:
    """CPU per call (milliseconds) of one kind of call, round by round, and what became of the calls."""

    asterisk: list[float] = field(default_factory=list)
    python: list[float] = field(default_factory=list)
    calls: int = 0
    failed: int = 0
    most_at_once: int = 0

    @property
    def total(self) -> float:
        """The median of the rounds."""
        return statistics.median(a + p for a, p in zip(self.asterisk, self.python, strict=True))


def run_round(town: Town, cost: Cost, number: str, *, rate: float, calls: int, listen: float) -> None:
    """Add one round of whole dialogs to ``cost``. A call that files no request has failed, save in (a)."""
    filed, before = town.filed(), town.cpu()
    with load(town, number, rate=rate, calls=calls, steps=WHOLE, listen=listen) as placed:
        count = placed.finish()
    town.wait_until_idle(filed.ended_calls + (0 if number == MENU_NUMBER else calls))
    after = town.cpu()
    cost.asterisk.append((after["asterisk"] - before["asterisk"]) / calls * 1000)
    cost.python.append(sum(after[name] - before[name] for name in ("agi", "scripts")) / calls * 1000)
    cost.calls += calls
    unfiled = 0 if number == MENU_NUMBER else calls - (town.filed().complete - filed.complete)
    if unfiled:
        click.echo(f"{unfiled} calls filed nothing: {town.dead_ends(filed.ended_calls)}", err=True)
    cost.failed += max(count.failed, unfiled)
    cost.most_at_once = max(cost.most_at_once, count.most_at_once)


def run_rise(town: Town, plan: Plan) -> Count:
    """Short calls at a rising rate. A call whose end is not in the call log has failed too."""
    before = town.filed()
    with load(
        town,
        town.settings.town_number,
        rate=plan.rising.step,
        calls=plan.short_calls,
        steps=SHORT,
        listen=SHORT_LISTEN,
        rising=plan.rising,
        people=_REGULARS,
    ) as placed:
        count = placed.finish()
    town.wait_until_idle(before.ended_calls + count.calls)
    unlogged = count.calls - (town.filed().ended_calls - before.ended_calls)
    return Count(count.calls, max(count.failed, unlogged), count.most_at_once, count.retransmitted)


@click.command()
@click.option("--quick", is_flag=True, help="One minute instead of five; the figures are rougher.")
def main(quick: bool) -> None:
    """Measure, print, and say which aims were met."""
    if os.geteuid() != 0:
        raise click.ClickException("SIPp sends keys through a raw socket: run this as root.")
    plan = QUICK if quick else FULL
    started = time.monotonic()
    menu, ours, script = Cost(), Cost(), Cost()
    # Besides the rounds: short calls, the measured calls of both kinds, and the load during these.
    people = 2 * plan.rounds * plan.calls + plan.script_calls + _REGULARS + 6 * plan.measured_calls + 200
    try:
        with private_town(people) as town:
            for number in range(plan.rounds):
                for cost, dialled in ((menu, MENU_NUMBER), (ours, town.settings.town_number)):
                    _say(f"CPU per call, round {number + 1} of {plan.rounds}")
                    run_round(town, cost, dialled, rate=RATE, calls=plan.calls, listen=plan.listen)
            _say("CPU per call, one process per call")
            run_round(
                town, script, SCRIPT_NUMBER, rate=SCRIPT_RATE, calls=plan.script_calls, listen=plan.listen
            )
            _say(f"{plan.rising.step:.0f} to {plan.rising.end:.0f} calls/s")
            rise = run_rise(town, plan)
            _say("Waits")
            menu_waits, our_waits, count = measure(town, plan.measured_calls)
            complaints = town.complaints()
    except NotMeasured as e:
        raise click.ClickException(f"Not measured: {e}") from e
    if complaints:
        click.echo(f"Warnings and errors:\n{_shortened(complaints)}", err=True)
    _print_costs(menu, ours, script)
    _print_loads(ours, rise)
    _print_waits(menu_waits, our_waits)
    failed = (
        menu.failed
        + ours.failed
        + script.failed
        + rise.failed
        + count.failed
        + menu_waits.missing
        + our_waits.missing
    )
    _print_aims(menu, ours, script, rise, menu_waits, our_waits, failed)
    click.echo(f"\n{time.monotonic() - started:.0f} s; load of the machine {os.getloadavg()[0]:.1f}")
    sys.exit(1 if failed else 0)


def _print_costs(menu: Cost, ours: Cost, script: Cost) -> None:
    click.echo("\nCPU per call (ms)            Asterisk   Python    total    x (a)   calls  failed")
    for name, cost in (
        ("(a) dialplan-only menu", menu),
        ("(b) AGI server", ours),
        ("(c) one process per call", script),
    ):
        click.echo(
            f"{name:28} {statistics.median(cost.asterisk):8.1f} {statistics.median(cost.python):8.1f} "
            f"{cost.total:8.1f} {cost.total / menu.total:8.2f} {cost.calls:7} {cost.failed:7}"
        )


def _print_loads(ours: Cost, rise: Count) -> None:
    click.echo("\nCalls held                                    calls  failed  at once")
    for name, held in (
        (f"short calls, rising to {TOP_RATE:.0f} calls/s", rise),
        (f"whole dialogs at {RATE:.0f} calls/s", ours),
    ):
        click.echo(f"{name:42} {held.calls:8} {held.failed:7} {held.most_at_once:8}")


def _print_waits(menu: Waits, ours: Waits) -> None:
    click.echo(f"\nWaits (ms) under {LOAD:.0f} calls/s     median      p99        n   missing")
    for name, waits, missing in (
        ("answer to sound   (a)", menu.answer, None),
        ("                  (b)", ours.answer, None),
        ("key to next prompt (a)", menu.key, menu.missing),
        ("                  (b)", ours.key, ours.missing),
    ):
        click.echo(
            f"{name:30} {statistics.median(waits) * 1000:8.1f} {p99(waits) * 1000:8.1f} {len(waits):8} "
            f"{'' if missing is None else missing:>9}"
        )


def _print_aims(
    menu: Cost, ours: Cost, script: Cost, rise: Count, menu_waits: Waits, our_waits: Waits, failed: int
) -> None:
    above = p99(our_waits.key) - p99(menu_waits.key)
    of_menu, of_script = ours.total / menu.total, script.total / ours.total
    python = statistics.median(script.python) / statistics.median(ours.python)
    # What a call costs Asterisk itself can be more than (c) / 20 already.
    beyond = f"Python alone (c) / {python:.1f}, (a) is (c) / {script.total / menu.total:.1f}"
    click.echo("\nAims")
    for met, text in (
        (of_menu <= MOST_OF_MENU, f"(b) <= {MOST_OF_MENU:g} x (a): {of_menu:.2f} x"),
        (
            of_script >= LEAST_OF_SCRIPT,
            f"(b) <= (c) / {LEAST_OF_SCRIPT:g}: (c) / {of_script:.1f}; {beyond}",
        ),
        (
            above <= MOST_KEY_WAIT,
            f"key to next prompt, p99, <= {MOST_KEY_WAIT * 1000:.0f} ms above (a): {above * 1000:+.1f} ms",
        ),
        *(
            [(ours.most_at_once >= AT_ONCE, f"{AT_ONCE} calls at once: {ours.most_at_once}")]
            if ours.calls >= AT_ONCE
            else []
        ),
        (failed == 0, f"no failed call: {failed} failed"),
    ):
        click.echo(f"  {'met   ' if met else 'MISSED'}  {text}")


def p99(values: Sequence[float]) -> float:
    """The value that 99 % of ``values`` do not exceed."""
    return sorted(values)[max(0, -(-99 * len(values) // 100) - 1)]


def _say(what: str) -> None:
    click.echo(f"{what} ...", err=True)


def _shortened(text: str, lines: int = 10) -> str:
    every = text.splitlines()
    return "\n".join(
        [*every[:lines], *([f"... and {len(every) - lines} more"] if len(every) > lines else [])]
    )


if __name__ == "__main__":
    main()
