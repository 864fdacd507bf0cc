"""Erlang C and A: published vectors, limits, what must always hold, and a simulation without a formula."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import mean, stdev

import ciw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.erlang import (
    Level,
    Load,
    agents_needed,
    erlang_a,
    erlang_b,
    erlang_c,
    level,
)

#: A small desk: 24 calls an hour of five minutes.
DESK = Load(24, 300)

loads = st.builds(Load, st.floats(0, 5000), st.floats(5, 1500))
agents = st.integers(0, 400)
thresholds = st.floats(0, 600)
patiences = st.floats(5, 7200)


@pytest.mark.parametrize(
    ("operators", "reached", "answer"), [(3, 0.584, 133.3), (4, 0.848, 26.1), (5, 0.951, 6.0)]
)
def test_a_small_desk(operators: int, reached: float, answer: float) -> None:
    found = erlang_c(DESK, operators, within=20)
    assert found.service_level == pytest.approx(reached, abs=0.0005)
    assert found.answer_seconds == pytest.approx(answer, abs=0.05)
    assert found.occupancy == pytest.approx(2 / operators)


def test_a_large_desk() -> None:
    found = erlang_c(Load(720, 240), 55, within=15)
    assert found.wait == pytest.approx(0.2387, abs=0.00005)
    assert found.service_level == pytest.approx(0.8459, abs=0.00005)
    assert found.answer_seconds == pytest.approx(8.18, abs=0.005)
    assert agents_needed(Load(720, 240), within=15, share=0.84) == 55
    assert agents_needed(Load(720, 240), within=15, share=0.85) == 56


def test_erlang_b_by_hand() -> None:
    # (2^3 / 3!) / (1 + 2 + 2^2 / 2 + 2^3 / 3!)
    assert erlang_b(2, 3) == pytest.approx((8 / 6) / (1 + 2 + 2 + 8 / 6))
    assert erlang_b(0, 0) == 1
    assert erlang_b(0, 1) == 0


def test_no_calls() -> None:
    nobody = Load(0, 300)
    for found in (erlang_c(nobody, 1, within=20), erlang_a(nobody, 1, within=20, patience=60)):
        assert found == Level(1, 0.0, 1.0, 0.0, 0.0, 0.0)
    assert agents_needed(nobody, within=20, share=0.8) == 0


@pytest.mark.parametrize("operators", [1, 2])
def test_as_much_work_as_operators_or_more(operators: int) -> None:
    assert erlang_c(DESK, operators, within=20) == Level(operators, 1.0, 0.0, math.inf, 1.0, 0.0)
    # Who gives up makes room for others.
    found = erlang_a(DESK, operators, within=20, patience=120)
    assert 0 < found.service_level < 1
    assert found.abandoned > 1 - operators / DESK.erlangs
    assert math.isfinite(found.answer_seconds)


def test_no_operators() -> None:
    assert erlang_c(DESK, 0, within=20) == Level(0, 1.0, 0.0, math.inf, 0.0, 0.0)
    assert erlang_a(DESK, 0, within=20, patience=60) == Level(0, 1.0, 0.0, math.inf, 0.0, 1.0)


def test_what_no_desk_has() -> None:
    for calls, handling in ((-1.0, 300.0), (1.0, 0.0), (math.inf, 300.0), (math.nan, 300.0), (1.0, math.nan)):
        with pytest.raises(ValueError):
            Load(calls, handling)
    with pytest.raises(ValueError):
        erlang_c(DESK, -1, within=20)
    with pytest.raises(ValueError):
        erlang_c(DESK, 3, within=math.nan)
    with pytest.raises(ValueError):
        erlang_a(DESK, 3, within=20, patience=0)
    with pytest.raises(ValueError):
        agents_needed(DESK, within=20, share=1)
    assert agents_needed(DESK, within=0, share=0.9999999, most=3) is None


def test_patience_by_the_state_equations() -> None:
    """Against the stationary states themselves, summed: a formula of its own."""
    load, operators, patience = Load(60, 240), 4, 90.0
    arrival, served, leaving = load.calls / 3600, 1 / load.handling, 1 / patience
    states = [1.0]
    for number in range(1, 400):
        states.append(
            states[-1] * arrival / (min(number, operators) * served + max(0, number - operators) * leaving)
        )
    total = sum(states)
    waiting = sum((number - operators) * state for number, state in enumerate(states) if number > operators)
    found = erlang_a(load, operators, within=20, patience=patience)
    assert found.wait == pytest.approx(sum(states[operators:]) / total, rel=1e-9)
    assert found.abandoned == pytest.approx(leaving * waiting / total / arrival, rel=1e-9)
    busy = sum(min(number, operators) * state for number, state in enumerate(states)) / total
    assert found.occupancy == pytest.approx(busy / operators, rel=1e-9)


@given(loads, agents, thresholds, patiences)
def test_shares_are_shares(load: Load, operators: int, within: float, patience: float) -> None:
    for found in (
        erlang_c(load, operators, within=within),
        erlang_a(load, operators, within=within, patience=patience),
    ):
        for share in (found.wait, found.service_level, found.occupancy, found.abandoned):
            assert -1e-9 <= share <= 1 + 1e-9
        assert found.service_level >= 1 - found.wait - 1e-9
        assert found.answer_seconds >= 0


@given(loads, agents, thresholds, patiences)
def test_one_more_operator_never_does_harm(
    load: Load, operators: int, within: float, patience: float
) -> None:
    for kind in (math.inf, patience):
        now, more = (level(load, operators + extra, within=within, patience=kind) for extra in (0, 1))
        assert more.service_level >= now.service_level - 1e-9
        assert more.wait <= now.wait + 1e-9
        assert more.abandoned <= now.abandoned + 1e-9


@given(st.floats(1, 2000), st.floats(30, 600), thresholds, st.floats(0.05, 0.99), st.booleans())
def test_the_number_needed_is_the_fewest(
    calls: float, handling: float, within: float, share: float, leave: bool
) -> None:
    load, patience = Load(calls, handling), 120.0 if leave else math.inf
    needed = agents_needed(load, within=within, share=share, patience=patience)
    assert needed is not None
    assert level(load, needed, within=within, patience=patience).service_level >= share
    assert level(load, needed - 1, within=within, patience=patience).service_level < share


@given(st.floats(1, 1000), st.floats(30, 600), st.integers(1, 20), thresholds)
def test_endless_patience_is_erlang_c(calls: float, handling: float, spare: int, within: float) -> None:
    load = Load(calls, handling)
    operators = math.ceil(load.erlangs) + spare
    without, nearly = (
        level(load, operators, within=within, patience=patience) for patience in (math.inf, 1e9)
    )
    assert nearly.wait == pytest.approx(without.wait, abs=1e-4)
    assert nearly.service_level == pytest.approx(without.service_level, abs=1e-4)


def test_hundreds_of_operators() -> None:
    load = Load(6000, 300)
    assert load.erlangs == 500
    needed = [agents_needed(load, within=20, share=share) or 0 for share in (0.5, 0.8, 0.95)]
    assert 500 < needed[0] < needed[1] < needed[2] < 540
    levels = [erlang_a(load, number, within=20, patience=120).service_level for number in range(400, 560, 10)]
    assert all(low < high for low, high in pairwise(levels))


def _simulated(seed: int, patience: float | None) -> tuple[float, float, float]:
    """Shares answered within 20 s and given up, and the average wait of the answered: 4 operators."""
    ciw.seed(seed)
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(40 / 3600)],
        service_distributions=[ciw.dists.Exponential(1 / 300)],
        reneging_time_distributions=[ciw.dists.Exponential(1 / patience)] if patience else None,
        number_of_servers=[4],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(130 * 3600)
    # The first ten hours fill the desk; of the last ones not everybody has left.
    records = [r for r in simulation.get_all_records() if 10 * 3600 < r.arrival_date < 128 * 3600]
    answered = [r.waiting_time for r in records if r.record_type == "service"]
    in_time = sum(wait <= 20 for wait in answered)
    return in_time / len(records), 1 - len(answered) / len(records), mean(answered)


@pytest.mark.parametrize("patience", [None, 180.0])
def test_a_simulation_says_the_same(patience: float | None) -> None:
    """Eight runs of five days each. Their spread says how far their mean may be off: with a fixed seed four
    standard errors are never passed by chance, and a formula wrong by a few percent is."""
    runs = [_simulated(seed, patience) for seed in range(1, 9)]
    found = level(Load(40, 300), 4, within=20, patience=patience or math.inf)
    expected = (found.service_level, found.abandoned, found.answer_seconds)
    for simulated, formula in zip(zip(*runs, strict=True), expected, strict=True):
        error = stdev(simulated) / math.sqrt(len(runs))
        assert abs(mean(simulated) - formula) <= 4 * error + 1e-12
    # The tolerance itself is tight enough to tell one operator more or less.
    errors = stdev(run[0] for run in runs) / math.sqrt(len(runs))
    for other in (3, 5):
        wrong = level(Load(40, 300), other, within=20, patience=patience or math.inf)
        assert abs(mean(run[0] for run in runs) - wrong.service_level) > 4 * errors
