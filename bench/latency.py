"""How long the town lets a caller wait, for the baseline and our dialog side by side under the same load."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.ear import THINK, Caller, callers, conversing, first_sound, next_sounds
from bench.load import Count, load, place, total_of
from bench.menu import MENU_NUMBER
from bench.town import NotMeasured, Town
from call_routing.trial.sipp import calling_scenario

#: Calls per second: of those that are measured, and of those that are the load meanwhile.
RATE, LOAD = 3.0, 5.0


@dataclass(slots=True)
class Waits:
    """Seconds from the answer to the first sound, and from a key to the next prompt."""

    answer: list[float] = field(default_factory=list)
    key: list[float] = field(default_factory=list)
    #: Prompts that never came.
    missing: int = 0


def measure(town: Town, calls: int) -> tuple[Waits, Waits, Count]:
    """The waits of the baseline and of our dialog (``calls`` each), and what SIPp counted of all calls."""
    numbers = [MENU_NUMBER, town.settings.town_number] * calls
    keys = sum(stage.keys for stage in town.stages)
    seconds = THINK * (len(town.stages) + 1) + 0.2 * keys
    scenario = calling_scenario("[field2]", "[field0]", hang_up_after=seconds)
    scenario = scenario.replace("[media_port]", "[field3]").replace(
        '<log message="answered"/>',
        '<ereg regexp="m=audio [0-9]+" search_in="msg" assign_to="sound"/>'
        '<log message="answered [field3] [$sound] [timestamp]"/>',
    )
    total = round(LOAD * (len(numbers) / RATE + seconds))
    with (
        load(town, town.settings.town_number, rate=LOAD, calls=total) as background,
        callers(numbers, town.citizens(len(numbers))) as found,
        place(
            town,
            scenario,
            [caller.citizen for caller in found],
            numbers,
            [caller.port for caller in found],
            rate=RATE,
            calls=len(found),
        ) as measured,
    ):
        with conversing(
            found, town.stages, lambda: {p: a.peer for p, a in _answers(measured.events).items()}
        ):
            counts = [measured.finish(), background.finish()]
        answers = _answers(measured.events)
    menu, ours = (
        _waits([caller for caller in found if caller.number == number], answers, town)
        for number in numbers[:2]
    )
    return menu, ours, total_of(counts)


@dataclass(frozen=True, slots=True)
class _Answer:
    """When SIPp saw the answer (seconds since 1970), and the port it names for the sound."""

    at: float
    peer: int


def _answers(events: list[str]) -> dict[int, _Answer]:
    """The answers by the caller's port. SIPp writes: answered PORT m=audio PORT date time seconds."""
    answered = (event.split() for event in events)
    return {
        int(words[1]): _Answer(float(words[6]), int(words[3]))
        for words in answered
        # SIPp may be writing the last one.
        if words[:1] == ["answered"] and len(words) > 6
    }


def _waits(found: list[Caller], answers: dict[int, _Answer], town: Town) -> Waits:
    waits = Waits()
    for caller in found:
        if caller.port not in answers:
            waits.missing += 1
            continue
        answer = first_sound(caller, answers[caller.port].at)
        keys = next_sounds(caller, town.stages)
        waits.missing += [answer, *keys].count(None) + len(town.stages) - 1 - len(keys)
        waits.answer += [answer] if answer is not None else []
        waits.key += [wait for wait in keys if wait is not None]
    if not waits.answer or not waits.key:
        raise NotMeasured("the callers heard nothing")
    return waits
