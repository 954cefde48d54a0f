"""One case before upload: where it is, what it is expected to be paid, what would change it.

All alternatives of a case go through the kernel in one batch and are priced in one more; only
paths and reasons come from the reference grouper, claim by claim.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import polars as pl

    from drg.audit.model import RuleSet
    from drg.claims.model import Claim
    from drg.claims.profiles import ClaimColumns
    from drg.grouping.base import ClaimGrouper
    from drg.payment.policy import Policy
    from drg.simulate.answer import Explanation, Simulation

__all__ = ["MEANS", "Other", "Simulator", "Wanted"]

#: Columns of the means of groups: ``group``, ``los_mean`` (days, Decimal text), ``cost_mean_fen``
#: (Int64), ``source`` (text); null: not told.
MEANS = ("group", "los_mean", "cost_mean_fen", "source")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which alternatives of a case are asked for.

    Attributes
    ----------
    principals, principal_procedures, drops : bool
        Each recorded diagnosis as the principal one, each recorded procedure likewise, each
        recorded code dropped. No other code is ever tried.
    add_diagnoses, add_procedures : tuple of str
        Codes that the user says belong to the record; each is one scenario.
    corrections : mapping of str to str
        Canonical column to the value the user says is right (``age``, ``birth_weight_g``,
        ``disposition``, ``los_days``, ``total_cost`` …); each is one scenario; ``""``: not
        reported.
    """

    principals: bool = True
    principal_procedures: bool = True
    drops: bool = True
    add_diagnoses: tuple[str, ...] = ()
    add_procedures: tuple[str, ...] = ()
    corrections: Mapping[str, str] = field(default_factory=dict)


class Other(NamedTuple):
    """The same case elsewhere: under another scheme, policy or numbers.

    Attributes
    ----------
    grouper : ClaimGrouper
    policy : Policy or None
    kind : {"scheme", "policy", "numbers"}
    label : str
        What differs, such as ``chs-drg-1.1 → chs-drg-2.0`` or ``drg.rates.310 = 9000``.
    """

    grouper: ClaimGrouper
    policy: Policy | None
    kind: str
    label: str


class Simulator:
    """Explains and simulates cases under one scheme and policy. Immutable, shared by threads.

    Parameters
    ----------
    grouper : ClaimGrouper
    policy : Policy, optional
        Without one there is no money.
    rules : RuleSet, optional
        Audit rules; without them only grouping has findings.
    means : DataFrame, optional
        Means of groups (``MEANS``).
    hospitals : DataFrame, optional
        Register of hospitals, as ``drg.payment.pricing.price.Pricer`` takes it.
    """

    def __init__(
        self,
        grouper: ClaimGrouper,
        policy: Policy | None = None,
        *,
        rules: RuleSet | None = None,
        means: pl.DataFrame | None = None,
        hospitals: pl.DataFrame | None = None,
    ) -> None:
        raise NotImplementedError

    def explain(self, case: Claim, *, lang: str | None = None) -> Explanation:
        """One case as it stands."""
        raise NotImplementedError

    def simulate(
        self,
        case: Claim,
        wanted: Wanted | None = None,
        others: Sequence[Other] = (),
        *,
        lang: str | None = None,
    ) -> Simulation:
        """One case and its alternatives."""
        raise NotImplementedError

    def explain_frame(
        self, frame: pl.DataFrame, columns: ClaimColumns, *, lang: str | None = None
    ) -> list[Explanation]:
        """Every case of a frame, in order, read as ``drg group`` and ``drg settle`` read it."""
        raise NotImplementedError

    def simulate_frame(
        self,
        frame: pl.DataFrame,
        columns: ClaimColumns,
        wanted: Wanted | None = None,
        others: Sequence[Other] = (),
        *,
        lang: str | None = None,
    ) -> list[Simulation]:
        """Every case of a frame with its alternatives, all in one batch."""
        raise NotImplementedError
