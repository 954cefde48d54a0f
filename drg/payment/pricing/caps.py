"""Second pass of pricing: what only the whole period can tell, and what it does to single claims.

Which claims are there twice, who is within the caps of a hospital or region, who came back, what a
person's yearly ceiling or package still holds. The result does not depend on how the period was cut
into parts, nor on the order of its claims.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from drg.claims.typed import numbered
from drg.payment.mechanisms.bed_day import first_of_year
from drg.payment.mechanisms.outliers import high_cap, keep_highest_each
from drg.payment.mechanisms.outpatient import visit_payments
from drg.payment.mechanisms.readmission import halve_previous
from drg.payment.pricing.assessed import Assessed, Worth
from drg.payment.pricing.doubles import doubles
from drg.payment.pricing.price_columns import NONE, UNSET, Branch, Mode, Route
from drg.payment.pricing.prior import COUNT_SCHEMA, Prior

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.payment.policy import Policy
    from drg.payment.pricing.sheet import Sheet

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]
    Rows = NDArray[Any]

__all__ = ["BY_GROUP", "Change", "Decisions", "Prior", "decide"]

#: Claims that count for the caps of their hospital.
BY_GROUP = (Mode.DRG, Mode.POINTS, Mode.DIP)
_EPOCH_YEAR = 1970


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of some claims of a part; None: that stays as it is.

    Attributes
    ----------
    rows : int array
        Rows of the part.
    branch : uint8 array
    worth : Worth or None
    route, mode : uint8 array or None
    standard : int64 array or None
    """

    rows: Rows
    branch: NDArray[np.uint8]
    worth: Worth | None = None
    route: Route | None = None
    mode: NDArray[np.uint8] | None = None
    standard: Ints | None = None

    def put(self, sheet: Sheet) -> None:
        """Write it on the sheet."""
        sheet.branch[self.rows] = self.branch
        if self.worth is not None:
            self.worth.put(sheet, self.rows)
        if self.route is not None:
            sheet.route[self.rows] = self.route
        if self.mode is not None:
            sheet.mode[self.rows] = self.mode
            # What had a price of its own before, such as a group's, has it no more.
            sheet.weight[self.rows] = sheet.rate[self.rows] = sheet.coefficient[self.rows] = -1
            if sheet.value is not None:
                sheet.value[self.rows] = -1
            for scores in (sheet.group_score, sheet.auxiliary):
                if scores is not None:
                    scores[self.rows] = NONE
            sheet.case_class[self.rows] = sheet.note[self.rows] = UNSET
            if sheet.points is not None:
                sheet.points[self.rows] = NONE
        if self.standard is not None:
            sheet.standard[self.rows] = self.standard


@dataclass(frozen=True, slots=True)
class Decisions:
    """What the second pass decided, by the key of each part.

    Attributes
    ----------
    notes : mapping of str to uint8 array
        Note of each claim that is there twice or replaced; ``UNSET`` for the others.
    changes : mapping of str to list of Change
        In the order in which they apply; later ones stand.
    """

    notes: dict[str, NDArray[np.uint8]]
    changes: dict[str, list[Change]]


def decide(parts: Sequence[Assessed], policy: Policy, prior: Prior | None = None) -> Decisions:
    """Decide a period from all of its parts.

    Parameters
    ----------
    parts : sequence of Assessed
        Every part of the period, in the order of its claims.
    policy : Policy
    prior : Prior, optional
        What earlier months of the year have used up.
    """
    period = _Period(parts, policy, prior or Prior())
    period.packages()
    settled = period.caps()
    period.readmissions(settled)
    period.visits()
    notes = {part.key: note for part, note in zip(parts, period.notes, strict=True)}
    return Decisions(notes, period.changes)


class _Period:
    """All parts of a period while it is decided."""

    def __init__(self, parts: Sequence[Assessed], policy: Policy, prior: Prior) -> None:
        self.parts = parts
        self.policy = policy
        self.prior = prior
        self.notes = doubles(parts)
        self.changes: dict[str, list[Change]] = {part.key: [] for part in parts}
        #: Claims that the other steps still look at.
        self._alive = [note == UNSET for note in self.notes]

    # ---- packages

    def packages(self) -> None:
        """The first stay of a person's year gets the package, the others what they have."""
        if not any(part.packages for part in self.parts):
            return
        lists = [(n, part.packages) for n, part in enumerate(self.parts) if part.packages]
        part = np.concatenate([np.full(len(listed.rows), n) for n, listed in lists])
        row = np.concatenate([listed.rows for _, listed in lists])
        patients = pl.concat([listed.patients for _, listed in lists])
        ids = pl.concat([listed.ids for _, listed in lists])
        day = np.concatenate([listed.day for _, listed in lists]).astype(np.int64)
        counted = np.concatenate([listed.statistics for _, listed in lists])
        # What stands against a stay by its group does not stand against its package.
        alive = self._lives(part, row, priced=False)
        order = ids.arg_sort().to_numpy()
        used = patients.is_in(self.prior.packages.implode()).fill_null(False).to_numpy()
        first = np.empty(len(row), np.bool_)
        first[order] = first_of_year(
            numbered(patients)[order], _year(day)[order], day[order],
            (alive & ~counted)[order], used[order],
        )  # fmt: skip
        # Stays that are only counted use nobody's package up.
        first |= counted & alive
        for n, listed in lists:
            here = part == n
            places = np.flatnonzero(first[here])
            rows, worth = listed.rows[places], listed.worth.take(places)
            mode = np.where(listed.statistics[places], Mode.STATISTICS, Mode.BED_DAY)
            self._change(
                n, rows, Branch.PACKAGE, worth, route=Route.PACKAGE,
                mode=mode.astype(np.uint8), standard=worth.price,
            )  # fmt: skip
            self._alive[n][rows] = False

    # ---- caps

    def caps(self) -> list[Flags]:
        """Who of those that may leave their group's price does; True where a case does."""
        settled = [np.zeros(part.rows, np.bool_) for part in self.parts]
        lists = [(n, part.candidates) for n, part in enumerate(self.parts) if part.candidates]
        if not sum(len(listed.rows) for _, listed in lists):
            return settled
        part = np.concatenate([np.full(len(listed.rows), n) for n, listed in lists])
        row = np.concatenate([listed.rows for _, listed in lists])
        ranks = pl.concat([listed.ids for _, listed in lists]).rank("dense").to_numpy()
        excess = np.concatenate([listed.excess for _, listed in lists])
        high, applied, reviewed, adjusted = (
            np.concatenate([getattr(listed, name) for _, listed in lists])
            for name in ("high", "applied", "reviewed", "adjusted")
        )
        open_ = self._lives(part, row)
        hospital, month, counts = self._units(part, row)
        drg, dip = self.policy.drg, self.policy.dip
        outliers = drg.outliers if drg else None
        review = drg.review if drg else dip.review if dip else None
        branch = np.full(len(row), UNSET, np.uint8)

        def pass_(who: Flags, cap: Fraction | None, region: bool, kind: str) -> Flags:
            """Those that the cap lets through, which is everybody where there is none."""
            places = np.flatnonzero(who)
            kept = np.zeros(len(who), np.bool_)
            if cap is None:
                kept[places] = True
                return kept
            discharges, taken = (
                counts[name].sum(axis=0) if region else counts[name].ravel()
                for name in ("discharges", kind)
            )
            unit = month if region else hospital * counts[kind].shape[1] + month
            most = [high_cap(n, cap) for n in discharges.tolist()]
            caps = np.maximum(np.array(most, np.int64) - taken, 0)
            kept[places] = keep_highest_each(excess[places], ranks[places], unit[places], caps)
            return kept

        asked = open_ & reviewed
        passed = pass_(
            asked,
            review.cap if review else None,
            bool(review and review.cap_scope == "region"),
            "reviewed",
        )
        branch[asked & ~passed] = Branch.REVIEW_OVER_CAP
        branch[passed] = np.where(adjusted, Branch.REVIEW_ADJUSTED, Branch.REVIEW_BY_ITEM)[passed]
        done = passed
        asked = open_ & applied & ~done
        passed = pass_(asked, outliers.applied_cap if outliers else None, False, "applied")
        branch[asked & ~passed] = Branch.APPLIED_OVER_CAP
        branch[passed] = Branch.APPLIED_BY_ITEM
        done = done | passed
        asked = open_ & high & ~done
        passed = pass_(
            asked, outliers.high_cap if outliers else None,
            bool(outliers and outliers.cap_scope == "region"), "high",
        )  # fmt: skip
        branch[asked & ~passed] = Branch.HIGH_OVER_CAP
        branch[passed] = Branch.HIGH_BY_ITEM
        done = done | passed
        for n, listed in lists:
            here = np.flatnonzero(part == n)
            gone = np.flatnonzero(done[here])
            worth = listed.item.where(branch[here] == Branch.REVIEW_ADJUSTED, listed.ruled)
            rows = listed.rows[gone]
            self._change(n, rows, branch[here][gone], worth.take(gone))
            settled[n][rows] = True
            over = np.flatnonzero(~done[here] & (branch[here] != UNSET))
            low = self.parts[n].sheet.branch[listed.rows[over]] == Branch.LOW_BY_ITEM
            over = over[~low]
            self._change(n, listed.rows[over], branch[here][over])
        return settled

    def _units(self, part: Rows, row: Rows) -> tuple[Rows, Rows, dict[str, Ints]]:
        """Hospital and month of the candidates, and the counts of every hospital and month."""
        before = self.prior.counts
        named = {name for found in self.parts for name in found.hospital.names}
        names = sorted(named | {*before["hospital"]})
        place = {name: n for n, name in enumerate(names)}
        first = min((int(found.month.min()) for found in self.parts if found.rows), default=0)
        last = max((int(found.month.max()) for found in self.parts if found.rows), default=0)
        shape = len(names), last - first + 1
        counts = {name: np.zeros(shape, np.int64) for name in COUNT_SCHEMA.names()[2:]}
        for known in before.filter(pl.col("month").is_between(first, last)).iter_rows(named=True):
            for name, table in counts.items():
                table[place[known["hospital"]], known["month"] - first] += known[name]
        hospital, month = np.empty(len(row), np.int64), np.empty(len(row), np.int64)
        for n, found in enumerate(self.parts):
            slots = np.array([*(place[name] for name in found.hospital.names), 0], np.int64)
            own = slots[found.hospital.codes]
            since = found.month.astype(np.int64) - first
            paid = self._alive[n] & found.priced & np.isin(found.sheet.mode, BY_GROUP)
            unit = (own * shape[1] + since)[paid]
            counts["discharges"] += np.bincount(unit, minlength=shape[0] * shape[1]).reshape(shape)
            here = part == n
            hospital[here], month[here] = own[row[here]], since[row[here]]
        return hospital, month, counts

    # ---- readmission

    def readmissions(self, settled: Sequence[Flags]) -> None:
        """Stays that a readmission reduces."""
        drg = self.policy.drg
        lists = [(n, part.stays) for n, part in enumerate(self.parts) if part.stays]
        if drg is None or drg.readmission is None or not lists:
            return
        # Most persons have one stay: only the others are looked at together.
        kept = _there_again([listed.patients for _, listed in lists])
        at = [(n, listed, places) for (n, listed), places in zip(lists, kept, strict=True)]

        def every(name: str) -> Rows:
            return np.concatenate([getattr(listed, name)[places] for _, listed, places in at])

        def texts(name: str) -> pl.Series:
            found: list[pl.Series] = [getattr(listed, name).gather(p) for _, listed, p in at]
            return pl.concat(found)

        part = np.concatenate([np.full(len(places), n) for n, _, places in at])
        row, ids = every("rows"), texts("ids")
        patient, group = numbered(texts("patients")), numbered(texts("groups"))
        admitted, discharged, exempt = every("admitted"), every("discharged"), every("exempt")
        patient = np.where(self._lives(part, row) & every("dated"), patient, -1)
        order = _settle_ties((patient, group, admitted, discharged), ids)
        halved = np.zeros(len(row), np.bool_)
        halved[order] = halve_previous(
            patient[order], group[order], admitted[order], discharged[order], exempt[order],
            drg.readmission,
        ).halved  # fmt: skip
        halved &= every("by_group")
        for n, listed, places in at:
            chosen = places[halved[part == n]]
            chosen = chosen[~settled[n][listed.rows[chosen]]]
            self._change(n, listed.rows[chosen], Branch.READMISSION, listed.less.take(chosen))

    # ---- visits

    def visits(self) -> None:
        """What the fund pays for each visit under the persons' yearly ceilings."""
        rule = self.policy.outpatient
        lists = [(n, part.visits) for n, part in enumerate(self.parts) if part.visits]
        if rule is None or rule.ratio is None or not lists:
            return
        frame = pl.concat(
            pl.DataFrame(
                {
                    "part": np.full(len(listed.rows), n), "row": listed.rows,
                    "id": listed.ids, "patient_id": listed.patients, "day": listed.day,
                    "cost": listed.cost, "eligible": listed.eligible,
                }
            )
            for n, listed in lists
        )  # fmt: skip
        alive = self._lives(frame["part"].to_numpy(), frame["row"].to_numpy())
        frame = frame.filter(pl.Series(alive)).sort("day", "id", maintain_order=True)
        used = frame.select("patient_id").join(
            self.prior.visits.group_by("patient_id").agg(pl.col("used_fen").sum()),
            on="patient_id", how="left", maintain_order="left",
        )["used_fen"].fill_null(0)  # fmt: skip
        day, cost = frame["day"].to_numpy().astype(np.int64), frame["cost"].to_numpy()
        fund = visit_payments(
            numbered(frame["patient_id"]), day, cost, frame["eligible"].to_numpy(), rule.ratio,
            cap=rule.annual_cap, deductible=rule.deductible, used_before=used.to_numpy(),
            year=_year(day),
        )  # fmt: skip
        part, row = frame["part"].to_numpy(), frame["row"].to_numpy()
        for n, _ in lists:
            here = part == n
            worth = Worth(cost[here], fund[here], (cost - fund)[here])
            self._change(n, row[here], Branch.VISIT, worth)

    # ---- parts

    def _lives(self, part: Rows, row: Rows, *, priced: bool = True) -> Flags:
        """Whether claims of these parts and rows still count."""
        lives = np.zeros(len(row), np.bool_)
        for n, found in enumerate(self.parts):
            here = part == n
            if here.any():
                alive = self._alive[n] & found.priced if priced else self._alive[n]
                lives[here] = alive[row[here]]
        return lives

    def _change(
        self, part: int, rows: Rows, branch: Any, worth: Worth | None = None, **more: Any
    ) -> None:
        if len(rows):
            branches = np.broadcast_to(np.asarray(branch, np.uint8), len(rows))
            self.changes[self.parts[part].key].append(Change(rows, branches, worth, **more))


def _there_again(names: Sequence[pl.Series]) -> list[Rows]:
    """Of each part the places of names that may be there more than once in all of them."""
    hashes = [series.hash(0).to_numpy() for series in names]
    ordered = np.sort(np.concatenate(hashes))
    again = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    return [
        np.flatnonzero(np.isin(found, again) & series.is_not_null().to_numpy())
        for found, series in zip(hashes, names, strict=True)
    ]


def _settle_ties(columns: Sequence[Rows], ids: pl.Series) -> Rows:
    """An order of rows in which those that are alike in every column stand by id."""
    order = np.arange(len(ids))
    ordered = np.lexsort(tuple(columns))
    same = np.ones(max(len(ids) - 1, 0), np.bool_)
    for column in columns:
        same &= column[ordered[1:]] == column[ordered[:-1]]
    same &= columns[0][ordered[1:]] >= 0
    tied = np.zeros(len(ids), np.bool_)
    tied[ordered[1:][same]] = tied[ordered[:-1][same]] = True
    places = np.flatnonzero(tied)
    if len(places):
        order[places] = places[ids.gather(places).arg_sort().to_numpy()]
    return order


def _year(day: Ints) -> Ints:
    return day.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + _EPOCH_YEAR
