"""A period under a policy as it is and under reforms of it: one run each, sharing what is the same.

Claims are grouped once a scheme and priced once a policy, in two passes over any number of parts,
so that caps and ranks of the period are decided anew for every reform. A run's frame holds the very
columns of the baseline's wherever they do not differ: it costs the memory of what it changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from drg.claims.frame import DIP_RESULT_NAMES, RESULT_NAMES, rename_clashing
from drg.claims.profiles import match_columns
from drg.payment.pricing.price import Pricer
from drg.simulate.change import WhatIfError
from drg.simulate.others import on_any_day, same_grouping, scheme_named
from drg.simulate.reform import Reform, Reformed, name_of, reform_policy

if TYPE_CHECKING:
    from drg.claims.profiles import ClaimColumns
    from drg.dates import Interval, Month
    from drg.grouping.base import ClaimGrouper
    from drg.payment.policy import Policy
    from drg.payment.pricing.assessed import Assessed
    from drg.payment.pricing.caps import Decisions

__all__ = ["Run", "WhatIf", "scheme_of_reform", "what_if"]

#: What grouping may have added to claims that came grouped.
_GROUPED = (*RESULT_NAMES, *DIP_RESULT_NAMES, "scheme", "nearest_version", "mapped_codes")


@dataclass(frozen=True)
class Run:
    """The claims of a period under one policy.

    Attributes
    ----------
    reformed : Reformed
        The policy, its label and lineage; the baseline's label is ``""``.
    scheme : str
        What the claims were grouped by here; ``""``: they came grouped.
    scheme_digest : str
        Digest of that scheme, with its compatibility and edition of codes.
    frame : DataFrame
        Claims, group and ``PRICE_DTYPES``: same rows and order in every run.
    columns : ClaimColumns
        Which columns feed which field.
    """

    reformed: Reformed
    scheme: str
    scheme_digest: str
    frame: pl.DataFrame
    columns: ClaimColumns

    @property
    def label(self) -> str:
        """Name of the reform; ``""`` of the baseline."""
        return self.reformed.label

    @property
    def policy(self) -> Policy:
        """What the claims are priced by."""
        return self.reformed.policy

    @property
    def metadata(self) -> dict[str, str]:
        """What a file of this run says of it: enough to make it again."""
        told = self.reformed.metadata
        if self.scheme:
            told |= {"drg.scheme": self.scheme, "drg.digest": self.scheme_digest}
        return told


def what_if(
    frame: pl.DataFrame,
    baseline: Policy,
    reforms: Iterable[Reform],
    *,
    grouper: ClaimGrouper | None = None,
    schemes: Mapping[str, ClaimGrouper] | None = None,
    policies: Mapping[str, Policy] | None = None,
    columns: ClaimColumns | None = None,
    hospitals: pl.DataFrame | None = None,
    decisions: pl.DataFrame | None = None,
    month: Month | Interval | str | None = None,
) -> list[Run]:
    """Price a period under a policy and under reforms of it.

    Parameters
    ----------
    frame : DataFrame
        Claims; grouped ones where no ``grouper`` is given.
    baseline : Policy
    reforms : iterable of Reform
    grouper : ClaimGrouper, optional
        Groups the claims for the baseline, and for every reform that names no scheme.
    schemes : mapping of str to ClaimGrouper, optional
        Groupers of the schemes that reforms name, or the policies that they name.
    policies : mapping of str to Policy, optional
        Policies that reforms name. They are applied as if they were in force on every day.
    columns : ClaimColumns, optional
        Which columns feed which field; found by the header profiles when omitted.
    hospitals, decisions, month : optional
        As ``drg.payment.pricing.price.Pricer`` takes them; the same for every run.

    Returns
    -------
    list of Run
        The baseline, then the reforms in their order.

    Raises
    ------
    WhatIfError
        G421-G433: a reform cannot be; G429: neither grouped claims nor a grouper.
    PolicyError, SupplyError, PaymentError, TableError, InputError
        A policy or the claims cannot be used.

    Examples
    --------
    >>> import drg
    >>> from drg.payment.policy.catalog import load_policy
    >>> from drg.simulate.compare_runs import compare_runs
    >>> policy, grouper = load_policy("demo-2024"), drg.Grouper.load("haerbin-2022")
    >>> claims = drg.synth(grouper.scheme, 50, seed=1, month="2024-06")
    >>> claims = claims.with_columns(hospital_level=pl.lit("三级"))
    >>> before, after = what_if(
    ...     claims, policy, [Reform.of(["drg.rates -3%"])], grouper=grouper, month="2024-06"
    ... )
    >>> compare_runs(before, after).total["difference_fen"] < 0
    True
    """
    columns = columns or match_columns(frame.columns, frame.schema)
    work = WhatIf(
        baseline, reforms, grouper=grouper, schemes=schemes, policies=policies,
        hospitals=hospitals, decisions=decisions, month=month,
    )  # fmt: skip
    work.assess(frame, columns)
    work.decide()
    return work.finish(frame, columns)


class _Plan:
    """One run to be made."""

    def __init__(self, reformed: Reformed, scheme: str, pricer: Pricer) -> None:
        self.reformed, self.scheme, self.pricer = reformed, scheme, pricer
        self.parts: list[Assessed | None] = []
        self.decisions: Decisions | None = None


class WhatIf:
    """Runs being made: ``assess`` every part, ``decide``, ``finish`` every part in that order.

    Parameters
    ----------
    baseline, reforms, grouper, schemes, policies, hospitals, decisions, month
        As for ``what_if``.
    """

    def __init__(
        self,
        baseline: Policy,
        reforms: Iterable[Reform],
        *,
        grouper: ClaimGrouper | None = None,
        schemes: Mapping[str, ClaimGrouper] | None = None,
        policies: Mapping[str, Policy] | None = None,
        hospitals: pl.DataFrame | None = None,
        decisions: pl.DataFrame | None = None,
        month: Month | Interval | str | None = None,
    ) -> None:
        asked = list(reforms)
        labels = [reform.label for reform in asked]
        if repeated := [label for label in labels if labels.count(label) > 1]:
            raise WhatIfError("G431", label=repeated[0])
        self._groupers = {"": grouper, **(schemes or {})}
        plain = Reformed("", baseline, name_of(baseline))
        self._plans = [_Plan(plain, "", Pricer(baseline, hospitals, decisions, month=month))]
        for reform in asked:
            other = (policies or {}).get(reform.policy or "")
            scheme = scheme_of_reform(reform, other, baseline, grouper)
            named = self._groupers.get(scheme) if scheme else None
            if scheme and named is None:
                raise WhatIfError("G429", where=reform.label)
            reformed = reform_policy(baseline, reform, named if reform.scheme else None, other)
            priced = reformed.policy if other is None else on_any_day(reformed.policy)
            if named is not None and grouper is not None and same_grouping(named, grouper):
                scheme = ""
                if not reformed.lineage:
                    raise WhatIfError("G421", where=reform.label)
            pricer = Pricer(priced, hospitals, decisions, month=month)
            self._plans.append(_Plan(reformed, scheme, pricer))
        self._turn = 0

    @property
    def reformed(self) -> list[Reformed]:
        """The baseline's policy and those of the reforms, in order."""
        return [plan.reformed for plan in self._plans]

    @property
    def schemes(self) -> list[tuple[str, str]]:
        """What groups the claims of each run, with its digest; ``""``: they come grouped."""
        found = [self._groupers[plan.scheme] for plan in self._plans]
        return [("", "") if one is None else (one.scheme_id, one.digest) for one in found]

    def assess(self, batch: pl.DataFrame, columns: ClaimColumns) -> None:
        """Take a part of the claims for the first time."""
        grouped = self._grouped(batch, columns)
        for plan in self._plans:
            plan.parts.append(plan.pricer.assess(grouped[plan.scheme], columns))

    def decide(self) -> None:
        """Decide caps and ranks, for every run from all of its claims."""
        for plan in self._plans:
            parts = [part for part in plan.parts if part is not None]
            plan.decisions = plan.pricer.decide(parts)

    def finish(self, batch: pl.DataFrame, columns: ClaimColumns) -> list[Run]:
        """Take the same parts in the same order for the second time.

        Returns
        -------
        list of Run
            Of this part: the baseline, then the reforms.
        """
        grouped = self._grouped(batch, columns)
        turn, self._turn = self._turn, self._turn + 1
        runs: list[Run] = []
        for plan, scheme in zip(self._plans, self.schemes, strict=True):
            part, decisions = plan.parts[turn], plan.decisions
            if part is None or decisions is None:
                raise ValueError("a part is finished once, after all are assessed and decided")
            plan.parts[turn] = None
            frame = grouped[plan.scheme]
            priced = plan.pricer.finish(part, decisions)
            frame = frame.rename(rename_clashing(frame.columns, priced.columns))
            if not runs:
                frame = frame.hstack(priced)
            elif plan.scheme == self._plans[0].scheme:
                # Claims and groups are the baseline's columns already.
                frame = frame.hstack(_shared(runs[0].frame, priced))
            else:
                frame = _shared(runs[0].frame, frame.hstack(priced))
            runs.append(Run(plan.reformed, *scheme, frame, columns))
        return runs

    def _grouped(self, batch: pl.DataFrame, columns: ClaimColumns) -> dict[str, pl.DataFrame]:
        """The batch under every scheme; of claims that came grouped, as they are."""
        found: dict[str, pl.DataFrame] = {}
        for scheme in dict.fromkeys(plan.scheme for plan in self._plans):
            grouper = self._groupers[scheme]
            if grouper is None:
                found[scheme] = batch
            else:
                found[scheme] = grouper.group_frame(_ungrouped(batch), columns)
        return found


def scheme_of_reform(
    reform: Reform, other: Policy | None, baseline: Policy, grouper: ClaimGrouper | None
) -> str:
    """What the claims are to be grouped by for a reform; ``""``: as for the baseline.

    Parameters
    ----------
    reform : Reform
    other : Policy or None
        The policy that it names; it brings the scheme that it pays for.
    baseline : Policy
    grouper : ClaimGrouper or None
        Of the baseline.
    """
    if reform.scheme is not None:
        return reform.scheme
    own = grouper.scheme_id if grouper is not None else scheme_named(baseline)
    named = scheme_named(other)
    return "" if named == own else named


def _ungrouped(batch: pl.DataFrame) -> pl.DataFrame:
    """A batch without what an earlier grouping added to it."""
    if not {"group", "outcome"} <= {*batch.columns}:
        return batch
    return batch.drop(_GROUPED, strict=False)


def _shared(base: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """The other frame, each column that equals the base's being the base's own."""
    kept: Sequence[pl.Series] = [
        base[series.name] if _same(base, series) else series for series in other
    ]
    return pl.DataFrame(kept)


def _same(base: pl.DataFrame, series: pl.Series) -> bool:
    if series.name not in base.columns:
        return False
    mine = base[series.name]
    return mine.dtype == series.dtype and mine.equals(series)
