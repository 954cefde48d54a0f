"""What the agency decided on claims, as pricing needs it: special review, by item, exit.

Disputes, holds and deductions change what is paid out of a price, not the price: they belong to the
month's settlement.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from drg.payment.mechanisms.standard import PaymentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["APPLIED", "EXIT", "REVIEW", "Decided", "Ruled", "Rulings"]

#: Matters: special review, payment by item applied for, exit from payment per disease.
REVIEW, APPLIED, EXIT = "special_review", "by_item", "exit"
#: Decisions that let a claim leave its group's price, or its pathway; and those that do not.
_YES = {REVIEW: ("by_item", "adjusted"), APPLIED: ("by_item", "accepted"),
        EXIT: ("by_item", "accepted", "exit")}  # fmt: skip
_NO = ("rejected", "refused", "open", "released")
#: Of those the ones after which nothing is open any more.
_ENDED = ("rejected", "refused")


class Ruled(NamedTuple):
    """Claims of a frame with a decision that lets them leave.

    Attributes
    ----------
    rows : int array
        Rows of the frame.
    adjusted : bool array
        A standard of its own (``amount``) instead of payment by item.
    amount : int64 array
        Fen; -1 where the decision names none.
    """

    rows: NDArray[np.intp]
    adjusted: NDArray[np.bool_]
    amount: Ints


class Rulings(NamedTuple):
    """Claims by what was decided; ``amount`` in fen, -1: none is named.

    ``reviewed`` and ``applied`` may leave their group's price, ``adjusted`` get ``amount`` for it.
    """

    reviewed: NDArray[np.bool_]
    applied: NDArray[np.bool_]
    adjusted: NDArray[np.bool_]
    amount: Ints


class Decided:
    """Decisions by matter and claim.

    Parameters
    ----------
    table : DataFrame or None
        ``claim_id``, ``matter``, ``decision``; ``amount_fen`` (Int64) and ``on`` (Date) if it has
        them. Of several decisions on one matter of a claim the latest holds, of those of one day
        the last; other matters are left aside.

    Raises
    ------
    PaymentError
        P425: a decision that the matter does not know.
    """

    def __init__(self, table: pl.DataFrame | None) -> None:
        self._by_matter: dict[str, dict[str, tuple[bool, int]]] = {name: {} for name in _YES}
        self._refused: dict[str, list[str]] = {name: [] for name in _YES}
        last: dict[tuple[str, str], tuple[date, str, int]] = {}
        for row in () if table is None else table.iter_rows(named=True):
            matter, decision = str(row["matter"]).strip(), str(row["decision"]).strip()
            if matter not in _YES or row["claim_id"] is None:
                continue
            if decision not in (*_YES[matter], *_NO):
                known = ", ".join((*_YES[matter], *_NO))
                raise PaymentError(
                    "P425", claim=row["claim_id"], matter=matter, decision=decision, known=known
                )
            key, on = (matter, str(row["claim_id"])), row.get("on") or date.min
            amount = row.get("amount_fen")
            if key not in last or on >= last[key][0]:
                last[key] = on, decision, -1 if amount is None else int(amount)
        for (matter, claim), (_, decision, amount) in last.items():
            if decision in _YES[matter]:
                self._by_matter[matter][claim] = (decision == "adjusted", amount)
            elif decision in _ENDED:
                self._refused[matter].append(claim)

    def refused(self, matter: str, ids: pl.Series) -> NDArray[np.bool_]:
        """Whether a matter was decided against each of these claims."""
        listed = pl.Series(self._refused[matter], dtype=pl.String)
        return ids.is_in(listed.implode()).fill_null(False).to_numpy()

    def ruled(self, ids: pl.Series) -> Rulings:
        """What was decided on each of these claims about review and payment by item."""
        rows = len(ids)
        reviewed, applied = np.zeros(rows, np.bool_), np.zeros(rows, np.bool_)
        amount, adjusted = np.full(rows, -1, np.int64), np.zeros(rows, np.bool_)
        review = self.on(REVIEW, ids)
        reviewed[review.rows], amount[review.rows] = True, review.amount
        adjusted[review.rows] = review.adjusted
        applied[self.on(APPLIED, ids).rows] = True
        return Rulings(reviewed, applied, adjusted, amount)

    def on(self, matter: str, ids: pl.Series) -> Ruled:
        """The claims among these that a matter lets leave."""
        known = self._by_matter[matter]
        if not known:
            return Ruled(np.empty(0, np.intp), np.empty(0, np.bool_), np.empty(0, np.int64))
        listed = pl.Series(list(known), dtype=pl.String)
        rows = ids.is_in(listed.implode()).fill_null(False).arg_true()
        said = [known[claim] for claim in ids.gather(rows).to_list()]
        return Ruled(
            rows.to_numpy().astype(np.intp),
            np.array([adjusted for adjusted, _ in said], np.bool_),
            np.array([amount for _, amount in said], np.int64),
        )
