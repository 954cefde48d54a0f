"""Bounds of the cost classes as amounts: what a case must cost to change its class.

A bound is exact to the fen: a cost one fen beyond it belongs to another class, or leaves payment
per disease. Nothing here is rounded to the nearer fen.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from drg.money import PLACES, mul_div, unscaled
from drg.payment.policy.dip import rule_of
from drg.payment.pricing.levels import best_level
from drg.simulate.answer import Bound
from drg.simulate.origins import Origins
from drg.text import text

if TYPE_CHECKING:
    from drg.payment.policy import DipDeviation
    from drg.payment.pricing.alone import Alone

__all__ = ["Bounds", "decimal_text"]

Kind: TypeAlias = Literal["low", "high", "extreme"]


class _Limit(NamedTuple):
    """A bound of a policy: ``path`` is where it stands, ``entry`` what it is called."""

    kind: Kind
    multiple: Fraction
    inclusive: bool
    path: str
    entry: str


class Bounds:
    """Bounds of the claims of a small frame.

    Parameters
    ----------
    alone : Alone
    origins : Origins
        Of the policy.
    lang : str, optional
    """

    def __init__(self, alone: Alone, origins: Origins, lang: str | None = None) -> None:
        self._alone = alone
        self._origins = origins
        self._lang = lang
        self._classes = _Classes(alone)
        self._words: dict[_Limit, tuple[str, str]] = {}

    def of(self, row: int) -> tuple[Bound, ...]:
        """Bounds of one claim, the lowest first; none where its cost decides nothing.

        Those of payment per disease stand with those of the group for a case that left it by its
        cost; bounds that no cost of such a case can reach are left out.
        """
        alone = self._alone
        reference, place = alone.reference[row], int(alone.disease[row])
        amounts = [*_exits(alone, row, place)]
        # Between its bounds a case of the list is paid per disease, and has no class.
        least, most = _pathway(amounts) if place >= 0 else (0, -1)
        if reference is not None:
            amounts += [
                (limit, amount)
                for limit in self._classes.limits(row)
                for amount in (_amount(limit, reference),)
                if not least <= amount <= most
            ]
        amounts.sort(key=lambda pair: pair[1])
        cost = int(alone.sheet.cost[row])
        return tuple(self._bound(limit, amount, cost) for limit, amount in amounts)

    def _bound(self, limit: _Limit, amount: int, cost: int) -> Bound:
        distance = amount - cost
        words = self._words.get(limit)
        if words is None:
            title = text(f"simulate.bound_{limit.entry}", self._lang)
            words = self._words[limit] = title, decimal_text(limit.multiple)
        return Bound(
            kind=limit.kind,
            title=words[0],
            multiple=words[1],
            inclusive=limit.inclusive,
            amount_fen=amount,
            distance_fen=distance,
            distance_ratio=unscaled(mul_div(distance, 10**PLACES, cost)) if cost > 0 else None,
            source=self._origins.words(limit.path),
        )


class _Classes:
    """Bounds of the classes of a policy's groups, by level of hospital."""

    def __init__(self, alone: Alone) -> None:
        policy = alone.policy
        self._level = alone.keys.scope.level
        self._outliers = policy.drg.outliers if policy.drg else None
        deviation = policy.dip.deviation if policy.dip and not policy.drg else None
        self._by_score = tuple(_of_deviation(deviation)) if deviation else ()
        self._known: dict[int, tuple[_Limit, ...]] = {}

    def limits(self, row: int) -> tuple[_Limit, ...]:
        """Bounds of the classes of one claim."""
        if self._outliers is None:
            return self._by_score
        code = int(self._level.codes[row])
        found = self._known.get(code)
        if found is None:
            found = self._known.setdefault(code, tuple(self._of_level(code)))
        return found

    def _of_level(self, code: int) -> Iterator[_Limit]:
        rule = self._outliers
        if rule is None:
            return
        if rule.low is not None:
            yield _Limit("low", rule.low, rule.low_inclusive, "drg.outliers.low", "low")
        key = (*self._level.names, "")[code]
        name = best_level(key, (name for name in rule.high if name)) or ""
        high = rule.high.get(name)
        if high is not None:
            path = f"drg.outliers.high.{name}".removesuffix(".")
            yield _Limit("high", high, rule.high_inclusive, path, "high")
        if rule.extreme is not None:
            path = "drg.outliers.extreme"
            yield _Limit("extreme", rule.extreme, rule.extreme_inclusive, path, "extreme")


def _of_deviation(said: DipDeviation) -> Iterator[_Limit]:
    rule = rule_of(said)
    three: tuple[tuple[Kind, Fraction | None, bool], ...] = (
        ("low", rule.low, rule.low_inclusive),
        ("high", rule.high, rule.high_inclusive),
        ("extreme", rule.extreme, rule.extreme_inclusive),
    )
    for kind, multiple, inclusive in three:
        if multiple is not None:
            # What the policy does not write itself is the rule set's that it names.
            name = "rule" if getattr(said, kind) is None else kind
            yield _Limit(kind, multiple, inclusive, f"dip.deviation.{name}", kind)


def _exits(alone: Alone, row: int, place: int) -> Iterator[tuple[_Limit, int]]:
    """Costs at which a case of the list of diseases is just paid per disease."""
    pricer = alone.walk.diseases
    if pricer is None or place < 0:
        return
    standard = Fraction(int(pricer.table.standard_fen[place]))
    apart = int(alone.apart[row])
    kinds: tuple[tuple[Kind, Fraction | None], ...] = (
        ("low", pricer.rule.low), ("high", pricer.rule.high),
    )  # fmt: skip
    for kind, multiple in kinds:
        if multiple is not None:
            limit = _Limit(kind, multiple, False, f"per_disease.{kind}", f"exit_{kind}")
            yield limit, _amount(limit, standard) + apart


def _pathway(exits: list[tuple[_Limit, int]]) -> tuple[float, float]:
    """Lowest and highest cost at which a case is paid per disease."""
    ends = {limit.kind: amount for limit, amount in exits}
    return ends.get("low", -math.inf), ends.get("high", math.inf)


def _amount(limit: _Limit, reference: Fraction) -> int:
    """The last fen on this side of a bound, or the first of the class where it is inclusive."""
    top = limit.multiple.numerator * reference.numerator
    bottom = limit.multiple.denominator * reference.denominator
    up = limit.inclusive != (limit.kind == "low")
    return -(-top // bottom) if up else top // bottom


def decimal_text(value: Fraction) -> str:
    """A ratio of a policy as it is written: ``0.3``; one without end stays a quotient."""
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return format(exact, "f") if Fraction(exact) == value else str(value)
