"""A plan of benefits as data: who is entitled to which layers, and every number they need.

Plans are ``tables/benefits/<place>/<year>.toml``, written and read like policies
(docs/benefits.md). Whatever is impossible in one is refused with file, path and mend: P461-P469 as
in a policy, B401-B416 what only a plan can have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field, PrivateAttr

from drg.benefits.terms import DIMENSIONS, Backstop, Critical, LayerTerms, Means, Names, Who
from drg.dates import Month
from drg.payment.policy.model import Sourced

__all__ = ["Plan", "list_plans", "load_plan"]


class Plan(Sourced):
    """The benefits of a place over an interval.

    Attributes
    ----------
    names : mapping of str to mapping of str to tuple of str
        ``off_site``, ``category`` and ``region``: name in the plan to its other spellings.
        Regions stand from the lowest to the highest.
    basic, critical, assistance : optional
        None: the document tells nothing of the layer. Without ``basic`` a visit has to report
        what basic insurance paid.
    backstops : mapping of str to Backstop
        By id, in the order in which they pay.
    """

    kind: Literal["plan"] = "plan"
    names: Mapping[str, Mapping[str, Names]] = Field(default_factory=dict)
    means: Means = Means()
    basic: LayerTerms | None = None
    critical: Critical | None = None
    assistance: LayerTerms | None = None
    backstops: Mapping[str, Backstop] = Field(default_factory=dict)
    _kept: object = PrivateAttr(default=None)

    def whos(self) -> Iterator[tuple[str, Who]]:
        """Every row, change and backstop with its path, such as ``basic.rows.tertiary``."""
        for layer in ("basic", "critical", "assistance"):
            terms: LayerTerms | None = getattr(self, layer)
            if terms is not None:
                yield from ((f"{layer}.rows.{name}", row) for name, row in terms.rows.items())
                yield from ((f"{layer}.adjust.{name}", who) for name, who in terms.adjust.items())
        yield from ((f"backstops.{name}", row) for name, row in self.backstops.items())

    def asked(self) -> set[str]:
        """What the plan's terms differ by: names of ``drg.benefits.terms.DIMENSIONS``."""
        named = {name for _, who in self.whos() for name in DIMENSIONS
                 if getattr(who, name) not in (None, ())}  # fmt: skip
        return named | ({"insurance"} if self.insurances else set())


def load_plan(
    wanted: str | Path,
    *,
    on: Month | date | None = None,
    supply: Mapping[str, str] | None = None,
) -> Plan:
    """Load one plan, whole and checked.

    Parameters
    ----------
    wanted : str or Path
        ``"ankang-2019"``; ``"ankang"`` or ``"安康"``: the plan of the place, the one in force
        over ``on`` where it has several; or the path of a TOML file.
    on : Month or date, optional
        Month or day of discharge; a plan that is not in force then is refused.
    supply : mapping of str to str, optional
        Path of a number to its text: numbers that the plan leaves open, or others than its own;
        segments as ``50000:0.6,100000:0.7,0.8``. Their status becomes ``supplied``.

    Returns
    -------
    Plan

    Raises
    ------
    PolicyError
        B401-B416, P461-P469: no such plan, or it cannot be used.
    SupplyError
        P476: the plan has no such number.
    TableError
        T120: the file cannot be read.

    Examples
    --------
    >>> plan = load_plan("ankang", supply={"critical.rows.everyone.cap": "200000"})
    >>> plan.id, plan.critical.rows["everyone"].cap
    ('ankang-2019', 20000000)
    """
    from drg.benefits.build import REGISTER

    return REGISTER.load(wanted, supply, on)


def list_plans() -> tuple[Plan, ...]:
    """Every plan of ``tables/benefits``, by place and date.

    Raises
    ------
    PolicyError
        B402: two plans of a place hold for one insurance on one day; and what ``load_plan``
        raises.
    """
    from drg.benefits.build import REGISTER

    return REGISTER.all()
