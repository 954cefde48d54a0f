"""What a DIP policy's numbers say of claims: coefficients, point values, means to compare with.

Rows by scope are looked up for whole columns, numbers by group once for every group there is.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from drg.claims.named import Named
from drg.dip.catalogue import catalogue_folder
from drg.money import PLACES, mul_div, mul_div_array
from drg.payment.mechanisms.standard import PaymentError
from drg.payment.policy.dip import rule_of
from drg.payment.pricing.dip_catalogue import CatalogueNumbers, read_catalogue_numbers
from drg.payment.pricing.dip_dynamic import dynamic_rows
from drg.payment.pricing.group_cases import by_group
from drg.payment.pricing.levels import level_of, wider_levels
from drg.payment.pricing.scope import ScopeTable

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from numpy.typing import NDArray

    from drg.dip.deviation_rules import DeviationRule
    from drg.payment.policy import DipPayment, Policy
    from drg.payment.pricing.hospitals import Hospitals

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]
    Rows = NDArray[Any]

__all__ = ["DipBasis"]

_ONE = 10**PLACES
_FEN = 100
_MICRO = 10**6
_NEEDED = {"dip.catalogue", "dip.deviation", "dip.review"}
#: Tables by group that are kept; a file has one list of groups, seldom a few.
_KEPT = 16


class DipBasis:
    """Numbers of a DIP policy.

    Parameters
    ----------
    policy : Policy
        With a ``dip`` part.
    hospitals : Hospitals or None
        Its coefficients count as rows of the policy for one hospital.

    Raises
    ------
    PaymentError
        P421, P422: rows that contradict each other; P424: a coefficient with more than four
        decimals; P493: the catalogue is not there, and its numbers are needed.
    TableError
        A table of the catalogue is broken.
    """

    def __init__(self, policy: Policy, hospitals: Hospitals | None) -> None:
        if policy.dip is None:
            raise ValueError("the policy does not pay by score")
        self.dip: DipPayment = policy.dip
        dip = self.dip
        own = hospitals.coefficients if hospitals is not None else ()
        given = frozenset(row.hospital for row in dip.coefficients if row.hospital)
        rows = (*dip.coefficients, *own, *dynamic_rows(dip.dynamic, hospitals, given))
        self._coefficients = ScopeTable(rows, [r.group for r in rows], what="dip.coefficients")
        #: Rows of coefficients: the policy's, the register's, those that measurements make.
        self.rows = rows
        scaled = [_ONE]
        for row in rows:
            exact = row.coefficient * _ONE
            if exact.denominator != 1:
                raise PaymentError("P424", hospital=row.hospital or "—", value=row.coefficient)
            scaled.append(int(exact))
        #: Hospital coefficients scaled 10⁴; the first is that of cases without a row.
        self.coefficient_e4 = np.array(scaled, np.int64)
        self.values: tuple[Fraction, ...] = tuple(row.yuan for row in dip.point_values)
        self._values = ScopeTable(dip.point_values, what="dip.point_values")
        self._ratios = ScopeTable(dip.pay_ratios, what="dip.pay_ratios")
        self._ratio_e6 = np.array([int(r.ratio * _MICRO) for r in dip.pay_ratios] or [0], np.int64)
        self.rule: DeviationRule | None = rule_of(dip.deviation) if dip.deviation else None
        #: A part that the documents do not give and nobody supplied: no case can be scored.
        self.open = bool(_NEEDED & {*policy.wanted})
        #: The same of coefficients: a case without a row cannot.
        self.open_coefficients = "dip.coefficients" in policy.wanted
        self._tables: dict[Hashable, Rows] = {}
        if self._needs_catalogue:
            self.catalogue  # noqa: B018 - a catalogue that is not there is refused at once

    @property
    def _needs_catalogue(self) -> bool:
        dip = self.dip
        by_mean = dip.deviation is not None and dip.deviation.reference == "catalogue"
        return by_mean or dip.auxiliary != "score" or dip.primary_cv is not None

    @cached_property
    def catalogue(self) -> CatalogueNumbers | None:
        """Numbers of the catalogue; None where it is not at hand, and nothing needs it."""
        if not self._needs_catalogue and catalogue_folder(self.dip.catalogue) is None:
            return None
        return read_catalogue_numbers(self.dip.catalogue)

    def empty(self) -> bool:
        """Whether there is no point value at all: it has to be supplied."""
        return self._values.empty

    # ---- by scope

    def value_places(self, keys: Any) -> Rows:
        """Place of each claim's point value in ``values``, or what ``ScopeTable.find`` says."""
        return self._values.find(keys)

    def coefficient_rows(self, keys: Any, groups: Named) -> Rows:
        """Row of each claim's coefficient; one more is its place in ``coefficient_e4``."""
        return self._coefficients.find(keys, groups)

    def ratios_e6(self, keys: Any) -> tuple[Rows, Ints]:
        """Row of each claim's pay ratio, and the ratio scaled 10⁶."""
        found = self._ratios.find(keys)
        return found, self._ratio_e6[np.maximum(found, 0)]

    def worth_fen(self, score_e4: Ints, place: Rows) -> Ints:
        """Scores times their point values, unrounded: fen, half up once."""
        return self._by_value(score_e4, place, lambda value: value * _FEN / _ONE)

    def points_e4(self, fen: Ints, place: Rows) -> Ints:
        """Scores that amounts are worth, scaled 10⁴, half up once."""
        return self._by_value(fen, place, lambda value: _ONE / (value * _FEN))

    def _by_value(self, numbers: Ints, place: Rows, factor: Callable[[Fraction], Fraction]) -> Ints:
        out = np.zeros(len(numbers), np.int64)
        for n, value in enumerate(self.values):
            here = np.flatnonzero(place == n)
            if len(here):
                out[here] = _times(numbers[here], factor(value))
        return out

    # ---- by group

    def same_price(self, groups: Named, classes: Named) -> tuple[Flags, Flags]:
        """By group, and by class: whether no coefficient applies.

        A primary-care group whose coefficient of variation is too large is no such group.
        """
        dip = self.dip
        listed = self._kept(("same", groups.names), lambda: np.array(
            [*(name in dip.same_price_groups for name in groups.names), False]
        ))  # fmt: skip
        names = {*dip.same_price_classes}
        by_class = np.array([*(name.partition(".")[0] in names for name in classes.names), False])
        return listed, by_class

    def wide(self, groups: Named) -> Flags | None:
        """By group: its coefficient of variation is above that of a primary-care group."""
        most, catalogue = self.dip.primary_cv, self.catalogue
        if most is None or catalogue is None:
            return None
        cv = catalogue.cv
        found: Flags = self._kept(("cv", groups.names), lambda: np.array(
            [*((cv.get(name) or Fraction(0)) > most for name in groups.names), False]
        ))  # fmt: skip
        return found

    def catalogue_scores_e4(self, groups: Named) -> Ints | None:
        """By group, scores that the catalogue has, -1: none; None: no catalogue at hand."""
        catalogue = self.catalogue
        if catalogue is None:
            return None
        scores = catalogue.scores
        key = "scores", groups.names
        found: Ints = self._kept(key, lambda: by_group(groups, scores, none=-1))
        return found

    def auxiliary_e4(self, groups: Named, subtypes: Named) -> Ints:
        """By group and subtype, the policy's auxiliary coefficients scaled 10⁴, -1: none."""
        said = self.dip.auxiliary_coefficients

        def table() -> Ints:
            cells = np.full((len(groups.names) + 1, len(subtypes.names) + 1), -1, np.int64)
            for m, subtype in enumerate(subtypes.names):
                wide = said.get(subtype)
                for n, group in enumerate(groups.names):
                    found = said.get(f"{group}|{subtype}", wide)
                    if found is not None:
                        cells[n, m] = mul_div(found.numerator, _ONE, found.denominator)
            return cells

        found: Ints = self._kept(("auxiliary", groups.names, subtypes.names), table)
        return found

    def means_fen(self, groups: Named, bases: Named, levels: Named) -> Callable[[Any], Ints]:
        """Mean costs by group and level, asked for some rows; 0: none."""
        deviation = self.dip.deviation
        if deviation is None:
            raise ValueError("nothing is compared with a mean")
        if deviation.reference == "catalogue":
            found = self.catalogue.means if self.catalogue else {}
            return self._plain_means(groups, bases, found)
        levelled = any("|" in key for key in deviation.means)
        if not levelled:
            return self._plain_means(groups, bases, deviation.means)
        split = self._kept(("split",), lambda: _by_level(deviation.means))
        own, base = (
            self._kept(
                ("means", named.names, levels.names), partial(_table, split, named.names, levels)
            )
            for named in (groups, bases)
        )

        def asked(rows: Any) -> Ints:
            level = levels.codes[rows]
            narrow: Ints = own[groups.codes[rows], level]
            return np.where(narrow > 0, narrow, base[bases.codes[rows], level])

        return asked

    def _plain_means(
        self, groups: Named, bases: Named, means: Mapping[str, int]
    ) -> Callable[[Any], Ints]:
        own = self._kept(("means", groups.names), lambda: by_group(groups, means))
        base = self._kept(("means", bases.names), lambda: by_group(bases, means))

        def asked(rows: Any) -> Ints:
            narrow: Ints = own[groups.codes[rows]]
            return np.where(narrow > 0, narrow, base[bases.codes[rows]])

        return asked

    def _kept(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """A table by group; parts of a file have the same groups, so it is made once."""
        found = self._tables.get(key)
        if found is None:
            while len(self._tables) >= _KEPT:
                self._tables.pop(next(iter(self._tables)), None)
            found = self._tables.setdefault(key, make())
        return found


def _by_level(means: Mapping[str, int]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for key, fen in means.items():
        group, _, level = key.partition("|")
        found.setdefault(group, {})[level_of(level)] = fen
    return found


def _table(means: Mapping[str, Mapping[str, int]], groups: Sequence[str], levels: Named) -> Ints:
    """Means by group and level; one more of either for none."""
    keys = (*levels.names, "")
    cells = [[_mean(means, group, key) for key in keys] for group in groups]
    return np.array([*cells, [0] * len(keys)], np.int64)


def _mean(means: Mapping[str, Mapping[str, int]], group: str, level: str) -> int:
    said = means.get(group)
    if said is None:
        return 0
    return next((said[key] for key in (*wider_levels(level), "") if key in said), 0)


def _times(numbers: Ints, factor: Fraction) -> Ints:
    top = np.full(len(numbers), factor.numerator, np.int64)
    return mul_div_array(numbers, top, factor.denominator)
