"""One case: grouped, explained, simulated, checked: requests to answers of ``drg.simulate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from drg.scale.elsewhere import CaseError
from drg.service.errors import ServiceError
from drg.service.models import (
    CheckRequest,
    ExplainRequest,
    Findings,
    GroupRequest,
    OtherRequest,
    SimulateRequest,
)
from drg.service.stock import NONE, Named, Stock
from drg.simulate.answer import Explanation, Grouping, Simulation
from drg.simulate.others import grouper_name, other_case

if TYPE_CHECKING:
    from collections.abc import Callable

    from drg.claims.case import Case
    from drg.simulate.placed import Placer
    from drg.simulate.simulator import Other

__all__ = ["Cases"]

T = TypeVar("T")
#: Explanations at work at once: more would only wait for one another.
_AT_ONCE = 4


class Cases:
    """Answers about one case.

    Parameters
    ----------
    stock : Stock
    """

    def __init__(self, stock: Stock) -> None:
        self._stock = stock
        self._limiter: CapacityLimiter | None = None

    async def group(self, asked: GroupRequest) -> Grouping:
        """The group; in microseconds once its scheme is loaded."""
        self._bounded(asked.claim)
        named = Named(asked.scheme, asked.compat, asked.codes, policy=NONE)
        placer = self._stock.placer_at_hand(named)
        if placer is not None:
            return _placed(placer, asked.claim)
        return await self._beside(lambda: _placed(self._stock.placer(named), asked.claim))

    async def explain(self, asked: ExplainRequest) -> Explanation:
        """The case as it stands."""
        self._bounded(asked.claim)
        return await self._beside(lambda: self._stock.simulator(_named(asked)).explain(asked.claim))

    async def simulate(self, asked: SimulateRequest) -> Simulation:
        """The case and its alternatives."""
        self._bounded(asked.claim)
        return await self._beside(lambda: self._simulated(asked))

    async def check(self, asked: CheckRequest) -> Findings:
        """What is found in the case."""
        self._bounded(asked.claim)
        named = Named(asked.scheme, asked.compat, asked.codes, policy=NONE, rules=asked.rules)
        found = await self._beside(lambda: self._stock.simulator(named).explain(asked.claim))
        return Findings(findings=found.findings)

    def _simulated(self, asked: SimulateRequest) -> Simulation:
        from drg.simulate.simulator import Wanted

        wanted = Wanted(
            principals=asked.principals,
            principal_procedures=asked.principal_procedures,
            drops=asked.drops,
            add_diagnoses=asked.add_diagnoses,
            add_procedures=asked.add_procedures,
            corrections=asked.corrections,
        )
        named = _named(asked)
        others = [self._other(named, other) for other in asked.others]
        return self._stock.simulator(named).simulate(asked.claim, wanted, others)

    def _other(self, base: Named, other: OtherRequest) -> Other:
        """What differs from the request itself; a scheme of its own brings no overlay along."""
        named = base._replace(policy=other.policy or base.policy)
        if other.policy is not None:
            named = named._replace(numbers=())
        if other.numbers:
            named = named._replace(numbers=(*named.numbers, *sorted(other.numbers.items())))
        if other.scheme is not None:
            named = named._replace(scheme=other.scheme, compat=None)
        here, there = ((self._stock.grouper(n), self._stock.policy(n)) for n in (base, named))
        numbers = [f"{path} = {value}" for path, value in sorted(other.numbers.items())]
        moved = other.policy is not None
        found = other_case(here, there, numbers, moved=moved, changed=named.changed)
        if found is None:
            policy = there[1].id if there[1] else "—"
            raise CaseError("G418", scheme=grouper_name(there[0]), policy=policy)
        return found

    def _bounded(self, case: Case) -> None:
        limit = self._stock.settings.limits.codes
        for field in ("diagnoses", "procedures"):
            if (count := len(getattr(case, field))) > limit:
                raise ServiceError("H419", where=field, field=field, count=count, limit=limit)

    async def _beside(self, work: Callable[[], T]) -> T:
        """Work in a thread, so that the event loop goes on."""
        if self._limiter is None:
            self._limiter = CapacityLimiter(_AT_ONCE)
        return await run_sync(work, limiter=self._limiter)


def _named(asked: ExplainRequest) -> Named:
    numbers = tuple(sorted(asked.numbers.items()))
    return Named(asked.scheme, asked.compat, asked.codes, asked.policy, numbers, asked.rules)


def _placed(placer: Placer, case: Case) -> Grouping:
    return placer.answer(placer.grouper.group(case))
