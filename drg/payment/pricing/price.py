"""The pricer: claims to what each comes to, in two passes over any number of parts.

``assess`` works on a part alone, ``decide`` on all of them together, ``finish`` on a part again.
Frame to frame: same rows, same order, only added columns (``price_columns``). Whatever
keeps a claim from being priced leaves it unpaid with a note; nothing is paid by default.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from drg.claims.few import FEW
from drg.claims.frame import rename_clashing
from drg.claims.profiles import match_columns
from drg.claims.typed import ClaimArrays
from drg.dates import Interval, Month
from drg.payment.mechanisms.standard import PaymentError
from drg.payment.pricing.alone import Alone, alone
from drg.payment.pricing.assessed import Assessed
from drg.payment.pricing.caps import Decisions, decide
from drg.payment.pricing.decided import Decided
from drg.payment.pricing.dip_catalogue import paid_scheme
from drg.payment.pricing.dip_price import DipPricer
from drg.payment.pricing.dip_scores import DipScores
from drg.payment.pricing.finished import fingerprints, months, priced_columns
from drg.payment.pricing.group_cases import GroupBasis
from drg.payment.pricing.group_price import GroupPricer
from drg.payment.pricing.hospitals import Hospitals
from drg.payment.pricing.prior import Prior, prior_of
from drg.payment.pricing.route import faults, keys_of, outpatient
from drg.payment.pricing.sheet import Sheet
from drg.payment.pricing.walk import Walk

if TYPE_CHECKING:
    from drg.claims.named import Named
    from drg.claims.profiles import ClaimColumns
    from drg.payment.policy import Policy
    from drg.payment.pricing.route import Keys
    from drg.payment.pricing.scores import ScoreSource
    from drg.payment.pricing.walk import Lists

__all__ = ["Alone", "Assessed", "Decisions", "Pricer", "Prior", "price_frame", "prior_of"]


class Pricer:
    """Prices grouped claims under one policy. Immutable; may be shared by threads.

    Parameters
    ----------
    policy : Policy
    hospitals : DataFrame, optional
        Register of hospitals (``drg.payment.pricing.hospitals``): a claim of any other is not paid.
        Without one a hospital is whoever a claim names, at the level that the claim names.
    decisions : DataFrame, optional
        What the agency decided on claims (``drg.payment.pricing.decided``).
    prior : Prior, optional
        What earlier months of the year have used up.
    month : Month, Interval or str, optional
        Days of discharge that are settled, such as ``"2025-06"``; any when omitted.
    scores : ScoreSource, optional
        Scores for a policy that pays by DIP, in place of those by its own numbers
        (``drg.payment.pricing.dip_scores``).

    Raises
    ------
    PaymentError
        P421-P425: policy, register or decisions contradict themselves.
    TableError
        A table that the policy names is not there or broken.

    Examples
    --------
    >>> from drg.payment.policy import DrgPayment, Policy, RateRow
    >>> policy = Policy(
    ...     id="x", place="x", place_zh="x", title_zh="x", title_en="x",
    ...     drg=DrgPayment(weights=("haerbin-2024",), rates=(RateRow(rate="12252.70"),)),
    ... )
    >>> frame = pl.DataFrame(
    ...     {
    ...         "claim_id": ["1"], "hospital_id": ["H1"], "discharged_on": ["2024-05-01"],
    ...         "diagnoses": ["J18.900"], "total_cost": ["9000.00"], "patient_paid": ["2000.00"],
    ...         "group": ["BR23"], "outcome": ["GROUPED"],
    ...     }
    ... )
    >>> price_frame(frame, policy).select("pay_mode", "standard_fen", "fund_fen").row(0)
    ('DRG', 893222, 693222)
    """

    def __init__(
        self,
        policy: Policy,
        hospitals: pl.DataFrame | None = None,
        decisions: pl.DataFrame | None = None,
        prior: Prior | None = None,
        month: Month | Interval | str | None = None,
        scores: ScoreSource | None = None,
    ) -> None:
        self.policy = policy
        self.prior = prior
        self.month = _days(month)
        self._hospitals = None if hospitals is None else Hospitals(hospitals)
        self._decided = Decided(decisions)
        self._basis = GroupBasis(policy, self._hospitals) if policy.drg else None
        self._group = GroupPricer(self._basis, self._decided) if self._basis else None
        self._score: DipPricer | None = None
        if policy.dip is not None and policy.drg is None:
            source = scores or DipScores(policy, self._hospitals)
            self._score = DipPricer(policy.dip, source, self._decided)
        self._walk = Walk(policy, self._group, self._decided, self._score)

    @property
    def reads_codes(self) -> bool:
        """Whether diagnoses and procedures decide anything; else they may be left out."""
        return self._walk.reads_codes

    def assess(self, frame: pl.DataFrame, columns: ClaimColumns | None = None) -> Assessed:
        """First pass over some claims.

        Parameters
        ----------
        frame : DataFrame
            What ``Grouper.group_frame`` gives; any part of the period.
        columns : ClaimColumns, optional
            Which columns feed which field; found by the header profiles when omitted.

        Raises
        ------
        PaymentError
            P426: claims grouped under another scheme than the policy's; P427: a policy that pays
            by group and claims that are not grouped.
        InputError
            The columns of the claims cannot be told.
        """
        claims, keys, groups, sheet, lists = self._walked(frame, columns)
        by_score = self._score is not None
        identity, content = fingerprints(claims, codes=self.reads_codes, scored=by_score)
        version = claims.numbers("version")
        basis, told = self._basis, self._basis or self._score
        return Assessed(
            sheet=sheet,
            identity=identity,
            content=content,
            version=np.where(version.given, version.fen, 1).astype(np.int32),
            hospital=keys.scope.hospital,
            month=months(keys.scope.day),
            weights=basis.weights(groups) if basis and basis.points is None else None,
            coefficients=told.coefficients if told else None,
            values=self._score.values if self._score else None,
            rates=pl.Series("rate_fen", basis.rate_fen) if basis else None,
            **lists,
        )

    def decide(self, parts: Sequence[Assessed]) -> Decisions:
        """Second pass: caps, claims that are there twice, readmissions, yearly ceilings.

        Parameters
        ----------
        parts : sequence of Assessed
            Every part of the period, in the order of its claims.
        """
        return decide(parts, self.policy, self.prior)

    def finish(self, assessed: Assessed, decisions: Decisions) -> pl.DataFrame:
        """What a part comes to.

        Parameters
        ----------
        assessed : Assessed
        decisions : Decisions
            Of a ``decide`` that had this part.

        Returns
        -------
        DataFrame
            ``PRICE_DTYPES``, and ``SCORE_DTYPES`` where the policy pays by score; one row a claim
        in the order of the part.
        """
        return priced_columns(assessed, decisions, self.policy)

    def price(self, frame: pl.DataFrame, columns: ClaimColumns | None = None) -> pl.DataFrame:
        """``price_frame`` of a whole period that fits one frame."""
        assessed = self.assess(frame, columns)
        added = self.finish(assessed, self.decide([assessed]))
        return frame.rename(rename_clashing(frame.columns, added.columns)).hstack(added)

    def alone(self, frame: pl.DataFrame, columns: ClaimColumns | None = None) -> Alone:
        """What each claim of a small frame comes to if no other claim and no cap touches it.

        Parameters and errors as for ``assess``. Decisions of the pricer count, earlier months do
        not; rows may be versions of one claim.
        """
        claims, keys, groups, sheet, lists = self._walked(frame, columns)
        return alone(self.policy, self._walk, claims, keys, groups, sheet, lists)

    def _walked(
        self, frame: pl.DataFrame, columns: ClaimColumns | None
    ) -> tuple[ClaimArrays, Keys, Named, Sheet, Lists]:
        """Every claim with its pay mode and price on a sheet, before the second pass."""
        self._check(frame)
        claims = ClaimArrays(frame, columns or match_columns(frame.columns))
        keys = keys_of(claims, self._hospitals)
        visits = outpatient(keys)
        points = self._group is not None and self._group.points is not None
        sheet = Sheet.blank(claims.rows, points=points, scores=self._score is not None)
        faults(claims, keys, visits, self.policy, self._hospitals, self.month, sheet)
        groups = claims.result("group")
        return claims, keys, groups, sheet, self._walk.over(claims, keys, groups, visits, sheet)

    @cached_property
    def scheme(self) -> str:
        """Scheme or catalogue of the policy; ``""``: any."""
        return paid_scheme(self.policy)

    def _check(self, frame: pl.DataFrame) -> None:
        if self.policy.drg is None and self.policy.dip is None:
            return
        wanted = self.scheme
        if not {"group", "outcome"} <= {*frame.columns}:
            raise PaymentError("P427", policy=self.policy.id)
        if wanted and "scheme" in frame.columns:
            schemes = frame["scheme"].cast(pl.String)
            found = {*(schemes if frame.height <= FEW else schemes.unique()).to_list()} - {None}
            if others := sorted(name for name in found if name != wanted):
                raise PaymentError(
                    "P426", policy=self.policy.id, wanted=wanted, found=", ".join(others[:5])
                )


def price_frame(
    frame: pl.DataFrame,
    policy: Policy,
    hospitals: pl.DataFrame | None = None,
    decisions: pl.DataFrame | None = None,
    prior: Prior | None = None,
    month: Month | Interval | str | None = None,
    *,
    columns: ClaimColumns | None = None,
    scores: ScoreSource | None = None,
) -> pl.DataFrame:
    """Price the claims of a whole period.

    Parameters
    ----------
    frame : DataFrame
        What ``Grouper.group_frame`` gives.
    policy, hospitals, decisions, prior, month, scores
        As ``Pricer`` takes them.
    columns : ClaimColumns, optional
        Which columns feed which field; found by the header profiles when omitted.

    Returns
    -------
    DataFrame
        The frame with ``PRICE_DTYPES``: same rows, same order. An input column of such a name is
        called ``<name>_input``.

    Raises
    ------
    PaymentError, TableError, InputError
        As ``Pricer`` and ``Pricer.assess`` do.
    """
    return Pricer(policy, hospitals, decisions, prior, month, scores).price(frame, columns)


def _days(month: Month | Interval | str | None) -> Interval | None:
    if isinstance(month, str):
        month = Month.parse(month)
    return month.days if isinstance(month, Month) else month
