"""Hospital coefficients of DIP: by level, by level and group, or a base with add-ons (spec B.6).

Numbers are exact. Xiamen's dynamic components (厦医保中心 [2024] 40 号, first part read) are data:
steps, increments and caps by level are parameters of ``dynamic_coefficient``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple

from drg.dip.errors import DipError, Number, exact, not_negative, positive
from drg.dip.score import YEAR_WEIGHTS, weighted_mean

__all__ = [
    "XIAMEN",
    "Component",
    "DynamicCoefficient",
    "DynamicLevel",
    "GroupLevel",
    "add_on_coefficient",
    "component_value",
    "dynamic_coefficient",
    "group_coefficients",
    "level_coefficient",
]


def level_coefficient(
    level_means: Sequence[Number],
    city_means: Sequence[Number],
    year_weights: Sequence[Number] = YEAR_WEIGHTS,
) -> Fraction:
    """Mean cost of the hospitals of one level and type over the city's, years weighted.

    Parameters
    ----------
    level_means, city_means : sequence of Number
        Yearly mean costs, the oldest first; of all cases, or of one group.
    year_weights : sequence of Number, optional

    Returns
    -------
    Fraction
        Unrounded; regions publish four decimals.

    Raises
    ------
    DipError
        D401–D403: a number that cannot be, or a city's mean of zero; D407: numbers of years that
        differ; D408: weights of nothing.

    Examples
    --------
    >>> level_coefficient([14000, 14200, 14400], [10000, 10000, 10000])
    Fraction(179, 125)
    """
    own = weighted_mean(level_means, year_weights)
    return own / positive(weighted_mean(city_means, year_weights), "city's mean cost")


def add_on_coefficient(base: Number, add_ons: Mapping[str, Number]) -> Fraction:
    """Base coefficient (level and type) plus add-ons (specialty, case mix, assessment, …).

    Add-ons may be below zero, their sum with the base may not.

    Raises
    ------
    DipError
        D401; D403: a base or a result below zero.

    Examples
    --------
    >>> add_on_coefficient("0.9", {"specialty": "0.05", "assessment": "-0.01"})
    Fraction(47, 50)
    """
    whole = not_negative(base, "base coefficient")
    whole += sum((exact(value, name) for name, value in add_ons.items()), Fraction(0))
    return not_negative(whole, "hospital coefficient")


class GroupLevel(NamedTuple):
    """Cases and weighted mean cost of a group at the hospitals of one level."""

    cases: int
    mean: Number


def group_coefficients(
    levels: Mapping[str, GroupLevel],
    city_mean: Number,
    *,
    min_cases: int,
    conservative: bool = False,
    primary: bool = False,
) -> dict[str, Fraction] | None:
    """Coefficients of one group by level, where it may have some of its own.

    The draft 3.0 asks for enough cases at every level and for mean costs that do not turn round
    (a lower level dearer than a higher one); conservative groups take the hospital's coefficient,
    groups of primary care none.

    Parameters
    ----------
    levels : mapping of str to GroupLevel
        The highest level first.
    city_mean : Number
        Weighted mean cost of the group in the whole city.
    min_cases : int
        Least number of cases at each level.
    conservative, primary : bool, optional
        Of the group.

    Returns
    -------
    dict or None
        Level to unrounded coefficient; all 1 for a primary-care group. None: the group has none
        of its own.

    Raises
    ------
    DipError
        D401–D403: a number that cannot be.

    Examples
    --------
    >>> levels = {"三级": GroupLevel(80, 12000), "二级": GroupLevel(60, 9000)}
    >>> {k: str(v) for k, v in group_coefficients(levels, 10000, min_cases=30).items()}
    {'三级': '6/5', '二级': '9/10'}
    """
    if primary:
        return dict.fromkeys(levels, Fraction(1))
    mean = positive(city_mean, "city's mean cost")
    means = [not_negative(level.mean, name) for name, level in levels.items()]
    inverted = any(low > high for high, low in pairwise(means))
    few = any(level.cases < min_cases for level in levels.values())
    if conservative or inverted or few:
        return None
    return {name: own / mean for name, own in zip(levels, means, strict=True)}


@dataclass(frozen=True, slots=True)
class Component:
    """A dynamic component: something measured, turned into steps of a coefficient.

    ``entry + ⌊measured ÷ step⌋ × increment``, no less than nothing and no more than ``cap``.

    Attributes
    ----------
    step : Fraction
        In per cent, greater than zero; whole steps count alone.
    cap : Fraction
    increment : Fraction
    entry : Fraction
        Given as soon as what is measured is above zero (beyond the mean).
    """

    step: Fraction
    cap: Fraction
    increment: Fraction = Fraction("0.01")
    entry: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "step", positive(self.step, "step"))
        for name in ("cap", "increment", "entry"):
            object.__setattr__(self, name, not_negative(getattr(self, name), name))


def component_value(measured: Number, component: Component) -> Fraction:
    """What a component adds to the coefficient.

    Parameters
    ----------
    measured : Number
        Per cent: by how much a hospital is above the mean it is compared with, or a share. Zero
        or less adds nothing.
    component : Component

    Raises
    ------
    DipError
        D401.

    Examples
    --------
    >>> component_value(25, Component(20, "0.03", entry="0.01"))
    Fraction(1, 50)
    """
    value = exact(measured, "measured")
    if value <= 0:
        return Fraction(0)
    return min(component.entry + value // component.step * component.increment, component.cap)


@dataclass(frozen=True, slots=True)
class DynamicLevel:
    """Base coefficient, dynamic components and ceiling of a level.

    Attributes
    ----------
    base : Fraction
    components : mapping of str to Component
        Empty: the level has no dynamic part.
    ceiling : Fraction or None
        Of base and components together.
    """

    base: Fraction
    components: Mapping[str, Component]
    ceiling: Fraction | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "base", not_negative(self.base, "base coefficient"))
        if self.ceiling is not None:
            object.__setattr__(self, "ceiling", not_negative(self.ceiling, "ceiling"))


class DynamicCoefficient(NamedTuple):
    """Parts of a coefficient, and the coefficient; all exact."""

    parts: dict[str, Fraction]
    coefficient: Fraction


def dynamic_coefficient(level: DynamicLevel, measured: Mapping[str, Number]) -> DynamicCoefficient:
    """Base plus dynamic components, up to the ceiling.

    Parameters
    ----------
    level : DynamicLevel
    measured : mapping of str to Number
        Per cent by component; one that the level has not is not counted, nor one not measured.

    Raises
    ------
    DipError
        D401; D416: a component that no level of Xiamen's kind knows is measured.

    Examples
    --------
    >>> found = dynamic_coefficient(XIAMEN["三级"], {"cmi": 17, "child": 32, "elder": 25, "tcm": 7})
    >>> str(found.coefficient), str(found.parts["elder"])
    ('103/100', '1/50')
    """
    strange = sorted(set(measured) - set(level.components)) if level.components else []
    if strange:
        raise DipError("D416", names=", ".join(strange), choices=", ".join(level.components))
    parts = {
        name: component_value(measured.get(name, 0), component)
        for name, component in level.components.items()
    }
    whole = level.base + sum(parts.values(), Fraction(0))
    if level.ceiling is not None:
        whole = min(whole, max(level.ceiling, level.base))
    return DynamicCoefficient(parts, whole)


def _xiamen(base: str, ceiling: str, caps: tuple[str, str, str, str]) -> DynamicLevel:
    cmi, child, elder, tcm = caps
    parts = {
        "cmi": Component(Fraction(5), Fraction(cmi)),
        "child": Component(Fraction(10), Fraction(child)),
        "elder": Component(Fraction(20), Fraction(elder), entry=Fraction("0.01")),
        "tcm": Component(Fraction(3), Fraction(tcm)),
    }
    return DynamicLevel(Fraction(base), MappingProxyType(parts), Fraction(ceiling))


_SECOND_CAPS = ("0.06", "0.03", "0.01", "0.03")

#: Xiamen, 厦医保中心 [2024] 40 号: ``cmi`` case mix index against the mean of grade B of the level;
#: ``child`` and ``elder`` shares of patients up to 6 and from 70 years against the mean; ``tcm``
#: share of the cost of Chinese medicine. Whether an excess is relative or in points is not said.
XIAMEN: Mapping[str, DynamicLevel] = MappingProxyType(
    {
        "三级": _xiamen("0.93", "1.20", ("0.13", "0.06", "0.03", "0.05")),
        "二级": _xiamen("0.72", "0.85", _SECOND_CAPS),
        "二级妇产专科": _xiamen("0.70", "0.85", _SECOND_CAPS),
        "一级": DynamicLevel(Fraction("0.55"), MappingProxyType({})),
    }
)
