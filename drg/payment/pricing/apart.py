"""A period priced where its claims lie, on any number of machines; nothing depends on the cut.

Most claims are priced by themselves. A claim *meets* others if its id is there again, if a cap
ranks it, if its person has another stay in the group, a package or another visit under a ceiling.
``tally`` says what is to be counted to find those; ``alone`` prices the others where they are;
``together`` prices all that meet, in one place, with the counts of everybody's discharges.
Whether a claim meets others follows from what it says, so no claim needs a number of its row.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import polars as pl

from drg.claims.profiles import match_columns
from drg.claims.typed import ClaimArrays
from drg.payment.pricing.assessed import Candidates, Packages, Visits, Worth
from drg.payment.pricing.caps import BY_GROUP, decide
from drg.payment.pricing.price_columns import Note, Route
from drg.payment.pricing.prior import Prior

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.claims.profiles import ClaimColumns
    from drg.payment.policy import Policy
    from drg.payment.pricing.assessed import Assessed
    from drg.payment.pricing.price import Pricer

    Flags = NDArray[np.bool_]

__all__ = ["TALLY_SCHEMA", "Apart", "Meeting", "reads_ids_alone"]

#: What is counted, rows of one kind, key and month being added up; ``kind`` is one of the numbers
#: below, ``month`` counts from 1970-01, 0 where it says nothing.
TALLY_SCHEMA = pl.Schema(
    {"kind": pl.Int8(), "key": pl.String(), "month": pl.Int32(), "rows": pl.Int64()}
)
#: Key: the id; person and group of a stay; the person of a visit; the hospital of claims paid by
#: group, by month; claims without an id; claims that meet others whatever the others are.
_ID, _STAY, _VISIT, _DISCHARGES, _NAMELESS, _SURE = range(6)
#: Of these a key matters only if it is there more than once.
_SHARED = (_ID, _STAY, _VISIT)
#: Between a person and a group. In one of them it would only let a few more claims meet.
_BETWEEN = "\x1f"

L = TypeVar("L", Candidates, Visits, Packages)


@dataclass(frozen=True)
class Meeting:
    """What the whole period says about which claims meet.

    Attributes
    ----------
    ids, stays, visits : Series of String
        Keys that several claims have.
    discharges : DataFrame
        ``hospital``, ``month``, ``discharges``: claims paid by group, those that meet included.
    nameless : int
        Claims without an id.
    empty : bool
        No claim meets another.
    """

    ids: pl.Series
    stays: pl.Series
    visits: pl.Series
    discharges: pl.DataFrame
    nameless: int
    empty: bool

    @classmethod
    def of(cls, tallies: pl.DataFrame) -> Meeting:
        """From the tallies of all parts.

        Parameters
        ----------
        tallies : DataFrame
            ``TALLY_SCHEMA``, one row a kind, key and month; keys of ids, stays and visits that
            are there once may be left out.
        """

        def shared(kind: int) -> pl.Series:
            return tallies.filter(pl.col("kind") == kind, pl.col("rows") > 1)["key"].sort()

        ids, stays, visits = map(shared, _SHARED)
        counts = {kind: int(tallies.filter(pl.col("kind") == kind)["rows"].sum())
                  for kind in (_NAMELESS, _SURE)}  # fmt: skip
        discharges = tallies.filter(pl.col("kind") == _DISCHARGES).select(
            pl.col("key").alias("hospital"),
            pl.col("month").cast(pl.Int64),
            pl.col("rows").alias("discharges"),
        )
        empty = not (len(ids) or len(stays) or len(visits) or counts[_SURE])
        return cls(
            ids, stays, visits, discharges.sort("hospital", "month"), counts[_NAMELESS], empty
        )

    @staticmethod
    def matters(kind: str = "kind", rows: str = "rows") -> str:
        """Which summed tallies ``of`` has to see, as a condition of SQL."""
        return f"{kind} > {max(_SHARED)} OR {rows} > 1"


class Apart:
    """Prices a period part by part, without any part seeing the others.

    Parameters
    ----------
    pricer : Pricer
        Of the whole period; what earlier months used up (``prior``) goes with it to every part.

    Examples
    --------
    >>> from drg.payment.policy import DrgPayment, Policy, RateRow
    >>> from drg.payment.pricing.price import Pricer
    >>> policy = Policy(
    ...     id="x", place="x", place_zh="x", title_zh="x", title_en="x",
    ...     drg=DrgPayment(weights=("haerbin-2024",), rates=(RateRow(rate="12252.70"),)),
    ... )
    >>> claims = pl.DataFrame(
    ...     {
    ...         "claim_id": ["1", "2", "2"], "hospital_id": ["H1"] * 3,
    ...         "diagnoses": ["J18.900"] * 3, "discharged_on": ["2024-05-01"] * 3,
    ...         "total_cost": ["9000.00"] * 3, "patient_paid": ["2000.00"] * 3,
    ...         "group": ["BR23"] * 3, "outcome": ["GROUPED"] * 3,
    ...     }
    ... )
    >>> apart = Apart(Pricer(policy))
    >>> both = pl.concat([apart.tally(claims[:2]), apart.tally(claims[2:])])
    >>> meeting = Meeting.of(both.group_by("kind", "key", "month").agg(pl.col("rows").sum()))
    >>> meets, priced = apart.alone(claims[:2], meeting)
    >>> meets.tolist(), priced["fund_fen"][0]
    ([False, True], 693222)
    >>> apart.together(claims[1:], meeting)["payment_note"].to_list()
    [None, 'P618']
    """

    def __init__(self, pricer: Pricer) -> None:
        self.pricer = pricer
        policy = pricer.policy
        self._capped = _capped(policy)
        self._readmission = policy.drg is not None and policy.drg.readmission is not None
        rule = policy.outpatient
        self._ceiling = rule is not None and rule.ratio is not None and rule.annual_cap is not None

    def tally(self, frame: pl.DataFrame, columns: ClaimColumns | None = None) -> pl.DataFrame:
        """What of some claims is to be counted over the whole period.

        Parameters
        ----------
        frame : DataFrame
            Grouped claims; where ``reads_ids_alone`` of the policy, their ids are enough.
        columns : ClaimColumns, optional
            Which columns feed which field; found by the header profiles when omitted.

        Returns
        -------
        DataFrame
            ``TALLY_SCHEMA``, to be added up over all parts by ``kind``, ``key``, ``month``.
        """
        columns = columns or match_columns(frame.columns)
        ids = ClaimArrays(frame, columns).ids
        found = [_keys(_ID, ids), _count(_NAMELESS, ids.null_count())]
        if not reads_ids_alone(self.pricer.policy):
            part = self.pricer.assess(frame, columns)
            found += [_keys(_STAY, self._stays(part)), _keys(_VISIT, self._visits(part))]
            found.append(_count(_SURE, int(self._sure(part).sum())))
            if self._capped:
                found.append(_discharges(part))
        return pl.concat(found)

    def alone(
        self, frame: pl.DataFrame, meeting: Meeting, columns: ClaimColumns | None = None
    ) -> tuple[Flags, pl.DataFrame]:
        """Price some claims by themselves.

        Returns
        -------
        meets : bool array
            Claims that meet others: their prices here mean nothing, ``together`` has them.
        priced : DataFrame
            What ``Pricer.finish`` gives, one row a claim.
        """
        columns = columns or match_columns(frame.columns)
        part = self.pricer.assess(frame, columns)
        meets = self._meets(part, ClaimArrays(frame, columns).ids, meeting)
        part = replace(
            part,
            stays=None,  # one that meets no other is reduced by none
            candidates=_left(part.candidates, meets),
            visits=_left(part.visits, meets),
            packages=_left(part.packages, meets),
        )
        return meets, self.pricer.finish(part, self.pricer.decide([part]))

    def meets(
        self, frame: pl.DataFrame, meeting: Meeting, columns: ClaimColumns | None = None
    ) -> Flags:
        """Which of some claims meet others."""
        columns = columns or match_columns(frame.columns)
        ids = ClaimArrays(frame, columns).ids
        if reads_ids_alone(self.pricer.policy):
            return ids.is_in(meeting.ids.implode()).fill_null(False).to_numpy()
        return self._meets(self.pricer.assess(frame, columns), ids, meeting)

    def together(
        self,
        frame: pl.DataFrame,
        meeting: Meeting,
        columns: ClaimColumns | None = None,
        refused: Flags | None = None,
    ) -> pl.DataFrame:
        """Price all claims of the period that meet others.

        Parameters
        ----------
        frame : DataFrame
            Every claim that ``meets``, in the order of the claims: of two that are alike the
            first counts.
        refused : bool array, optional
            Claims that contradict each other and get nothing (``drg.settlement``).

        Returns
        -------
        DataFrame
            What ``Pricer.finish`` gives, one row a claim.
        """
        part = self.pricer.assess(frame, columns)
        prior = self.pricer.prior or Prior()
        if self._capped:
            own = _discharges(part).select(
                pl.col("key").alias("hospital"), pl.col("month").cast(pl.Int64), own="rows"
            )
            others = meeting.discharges.join(own, on=["hospital", "month"], how="left").select(
                "hospital", "month", pl.col("discharges") - pl.col("own").fill_null(0),
                high=pl.lit(0, pl.Int64), applied=pl.lit(0, pl.Int64),
                reviewed=pl.lit(0, pl.Int64),
            )  # fmt: skip
            prior = replace(prior, counts=pl.concat([prior.counts, others]))
        if refused is not None:
            part.sheet.unpaid(np.flatnonzero(refused), Note.CONTENT_DIFFERS, Route.FAULT)
        return self.pricer.finish(part, decide([part], self.pricer.policy, prior))

    # ---- which claims meet

    def _meets(self, part: Assessed, ids: pl.Series, meeting: Meeting) -> Flags:
        meets = self._sure(part)
        meets |= ids.is_in(meeting.ids.implode()).fill_null(False).to_numpy()
        for listed, keys, shared in (
            (part.stays, self._stays(part), meeting.stays),
            (part.visits, self._visits(part), meeting.visits),
        ):
            if listed is not None and len(keys):
                again = keys.is_in(shared.implode()).fill_null(False).to_numpy()
                meets[listed.rows[again]] = True
        return meets

    def _sure(self, part: Assessed) -> Flags:
        """Claims that a cap ranks, and those that may have a package: they meet in any case."""
        sure = np.zeros(part.rows, np.bool_)
        if self._capped and part.candidates is not None:
            sure[part.candidates.rows] = True
        if part.packages is not None:
            sure[part.packages.rows] = True
        return sure

    def _stays(self, part: Assessed) -> pl.Series:
        """Person and group of each of its stays; null: compared with none."""
        if part.stays is None or not self._readmission:
            return pl.Series("key", [], pl.String)
        return pl.select(
            pl.concat_str(
                pl.lit(part.stays.patients), pl.lit(part.stays.groups), separator=_BETWEEN
            )
        ).to_series()

    def _visits(self, part: Assessed) -> pl.Series:
        if part.visits is None or not self._ceiling:
            return pl.Series("key", [], pl.String)
        return part.visits.patients


def reads_ids_alone(policy: Policy) -> bool:
    """Whether under a policy claims meet by their ids alone: no cap, no readmission, no package."""
    drg, rule = policy.drg, policy.outpatient
    by_person = (drg is not None and drg.readmission is not None) or (
        rule is not None and rule.annual_cap is not None
    )
    return not (_capped(policy) or by_person or any(rule.package for rule in policy.bed_day))


def _capped(policy: Policy) -> bool:
    drg, dip = policy.drg, policy.dip
    outliers = drg.outliers if drg else None
    review = drg.review if drg else dip.review if dip else None
    caps = (
        *((outliers.high_cap, outliers.applied_cap) if outliers else ()),
        review.cap if review else None,
    )
    return any(cap is not None for cap in caps)


def _keys(kind: int, keys: pl.Series) -> pl.DataFrame:
    return pl.DataFrame({"key": keys.drop_nulls()}).select(
        pl.lit(kind, pl.Int8).alias("kind"),
        "key",
        pl.lit(0, pl.Int32).alias("month"),
        pl.lit(1, pl.Int64).alias("rows"),
    )


def _count(kind: int, rows: int) -> pl.DataFrame:
    return pl.DataFrame([(kind, "", 0, rows)][: bool(rows)], schema=TALLY_SCHEMA, orient="row")


def _discharges(part: Assessed) -> pl.DataFrame:
    """Claims paid by group, by hospital and month, before anything is decided on them."""
    named = part.hospital.codes < len(part.hospital.names)
    paid = part.priced & np.isin(part.sheet.mode, BY_GROUP) & named
    names = pl.Series(part.hospital.names, dtype=pl.String)
    return (
        pl.DataFrame({"at": part.hospital.codes[paid], "month": part.month[paid]})
        .group_by("at", "month")
        .agg(pl.len().cast(pl.Int64).alias("rows"))
        .select(
            pl.lit(_DISCHARGES, pl.Int8).alias("kind"),
            pl.lit(names).gather(pl.col("at")).alias("key"),
            pl.col("month").cast(pl.Int32),
            "rows",
        )
    )


def _left(listed: L | None, gone: Flags) -> L | None:
    """A list without the claims of some rows."""
    if listed is None or not gone[listed.rows].any():
        return listed
    kept = np.flatnonzero(~gone[listed.rows])

    def taken(column: Any) -> Any:
        if isinstance(column, Worth):
            return column.take(kept)
        return column.gather(kept) if isinstance(column, pl.Series) else column[kept]

    return type(listed)(**{one.name: taken(getattr(listed, one.name)) for one in fields(listed)})
