"""What a number of operators reaches: Erlang C (nobody gives up) and Erlang A (callers give up).

Calls arrive at random, talks have random lengths, and operators are alike: M/M/N and M/M/N+M. All functions
are pure, and stable for hundreds of operators, since no factorial and no power of the load is ever formed.

Own code, for want of a library that is kept, answers without the network and knows patience: pyworkforce has
Erlang C only and brings a solver for rosters with it; erlangccmath asks a web service.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

#: No desk has more operators; the search for the number needed ends here.
MOST = 2000
#: Nodes of the quadrature on each of its pieces, and how far below its peak a density is worth nothing:
#: e to the minus so much.
_NODES = 48
_DEPTH = 40.0


@dataclass(frozen=True, slots=True)
class Load:
    """Work that arrives: ``calls`` an hour that take ``handling`` seconds each, wrap-up included.

    Raises ``ValueError`` for what no desk has: less than no calls, or calls that take no time.
    """

    calls: float
    handling: float

    def __post_init__(self) -> None:
        if not (self.calls >= 0 and math.isfinite(self.calls)):
            raise ValueError(f"{self.calls} calls an hour")
        if not (self.handling > 0 and math.isfinite(self.handling)):
            raise ValueError(f"calls of {self.handling} seconds")

    @property
    def erlangs(self) -> float:
        """How many operators it would keep busy without a pause."""
        return self.calls * self.handling / 3600


@dataclass(frozen=True, slots=True)
class Level:
    """What callers meet. Shares are between 0 and 1 and are of all calls; times are seconds."""

    agents: int
    #: Callers who find no operator free.
    wait: float
    #: Callers who are answered within the threshold.
    service_level: float
    #: Average wait of those who are answered (ASA); infinite where the queue grows without end.
    answer_seconds: float
    #: Share of the operators' time that goes into calls.
    occupancy: float
    #: Callers who give up.
    abandoned: float


def erlang_b(erlangs: float, agents: int) -> float:
    """The share of calls that find all of ``agents`` busy where nobody waits."""
    blocked = 1.0
    for number in range(1, agents + 1):
        blocked = erlangs * blocked / (number + erlangs * blocked)
    return blocked


def erlang_c(load: Load, agents: int, *, within: float) -> Level:
    """Everybody waits until an operator is free.

    With no more operators than the load has Erlangs the queue grows without end: everybody waits, nobody is
    answered in time, the average is infinite. Without operators nobody is ever answered.

    Args:
        load: what arrives.
        agents: operators at work, 0 or more.
        within: the service level's threshold, seconds, 0 or more.
    """
    _check(agents, within)
    erlangs = load.erlangs
    if agents == 0 or (erlangs > 0 and erlangs >= agents):
        return Level(agents, 1.0, 0.0, math.inf, 1.0 if agents else 0.0, 0.0)
    blocked = erlang_b(erlangs, agents)
    occupancy = erlangs / agents
    wait = blocked / (1 - occupancy * (1 - blocked))
    # One operator becomes free so often, seconds.
    spare = agents - erlangs
    return Level(
        agents,
        wait,
        1 - wait * math.exp(-spare * within / load.handling),
        wait * load.handling / spare,
        occupancy,
        0.0,
    )


def erlang_a(load: Load, agents: int, *, within: float, patience: float) -> Level:
    """Callers give up, after ``patience`` seconds on average; so there is a level however few operators.

    Args:
        load: what arrives.
        agents: operators at work, 0 or more.
        within: the service level's threshold, seconds, 0 or more.
        patience: average time after which a caller who still waits hangs up, seconds, more than 0. Infinite
            patience is Erlang C.
    """
    _check(agents, within)
    if not patience > 0:
        raise ValueError(f"a patience of {patience} seconds")
    if math.isinf(patience):
        return erlang_c(load, agents, within=within)
    erlangs = load.erlangs
    if agents == 0:
        return Level(agents, 1.0, 0.0, math.inf, 0.0, 1.0)
    if erlangs == 0:
        return Level(agents, 0.0, 1.0, 0.0, 0.0, 0.0)
    blocked = erlang_b(erlangs, agents)
    height, mass, stayed, waited, in_time = _offered_wait(load, agents, within, patience)
    wait = 0.0
    if blocked > 0:
        # States with a free operator, of the states without one. Beyond e^700 there are none to speak of.
        free = (1 - blocked) * load.handling / (blocked * agents * mass)
        wait = 1 / (1 + free * math.exp(min(-height, 700)))
    answered = 1 - wait + wait * stayed / mass
    return Level(
        agents,
        wait,
        1 - wait + wait * in_time / mass,
        wait * (waited / mass) / answered,
        erlangs * answered / agents,
        1 - answered,
    )


def level(load: Load, agents: int, *, within: float, patience: float = math.inf) -> Level:
    """Erlang A where callers' patience is known, else Erlang C."""
    return erlang_a(load, agents, within=within, patience=patience)


def agents_needed(
    load: Load, *, within: float, share: float, patience: float = math.inf, most: int = MOST
) -> int | None:
    """The fewest operators that answer ``share`` (0 to 1) of the calls ``within`` seconds.

    ``None`` if even ``most`` do not. No calls need nobody.
    """
    if not 0 <= share < 1:
        raise ValueError(f"a share of {share}")
    if load.calls == 0:
        return 0
    few, enough = 0, 1
    while _reached(load, enough, within, patience) < share:
        if enough >= most:
            return None
        few, enough = enough, min(2 * enough, most)
    # More operators never answer fewer calls in time.
    while enough - few > 1:
        middle = (few + enough) // 2
        if _reached(load, middle, within, patience) < share:
            few = middle
        else:
            enough = middle
    return enough


def _reached(load: Load, agents: int, within: float, patience: float) -> float:
    return level(load, agents, within=within, patience=patience).service_level


def _check(agents: int, within: float) -> None:
    if agents < 0:
        raise ValueError(f"{agents} operators")
    if not within >= 0:
        raise ValueError(f"a threshold of {within} seconds")


def _offered_wait(
    load: Load, agents: int, within: float, patience: float
) -> tuple[float, float, float, float, float]:
    """Integrals over the wait that a caller of endless patience would meet, if any (Baccelli and Hebuterne).

    Its density is in proportion to g(v) = exp(c (1 - e^(-v / p)) - N v / h), c being arrivals within the
    patience p. Returned are the logarithm of its peak, and in units of that peak the integrals of g, of g
    times the share who stay so long, of the latter times the wait, and of the latter up to ``within``.
    """
    arrivals = load.calls / 3600 * patience
    busy = agents / load.handling

    def exponent(wait: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return arrivals * -np.expm1(-wait / patience) - busy * wait

    # Where arrivals and departures are equal the density is highest; where they never are, at once.
    peak = patience * max(0.0, math.log(arrivals / patience / busy))
    height = float(exponent(np.array([peak]))[0])
    end = peak + 1 / busy
    while float(exponent(np.array([end]))[0]) > height - _DEPTH:
        end = peak + 2 * (end - peak)
    mass = stayed = waited = in_time = 0.0
    bounds = sorted({0.0, min(within, end), peak, end, *(end * part / 16 for part in range(17))})
    nodes, weights = _legendre()
    for low, high in pairwise(bounds):
        waits = low + (high - low) * nodes
        density = np.exp(exponent(waits) - height) * weights * (high - low)
        stay = density * np.exp(-waits / patience)
        mass += float(density.sum())
        stayed += float(stay.sum())
        waited += float((stay * waits).sum())
        if high <= within:
            in_time += float(stay.sum())
    return height, mass, stayed, waited, in_time


@cache
def _legendre() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Points and weights of Gauss and Legendre on 0 to 1."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return (nodes + 1) / 2, weights / 2
