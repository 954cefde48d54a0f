"""Add-on for listed new drugs, consumables and services (除外支付, spec A.6, Beijing 2022-30).

Both tests must hold: the case costs more than a multiple of its group's mean, and what is listed
takes more than a share of that cost. The fund then pays, category by category, what exceeds the
mean of that category inside the group's standard, so nothing is paid twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from drg.money import exceeds
from drg.payment.mechanisms.quotients import quotient_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.payment.policy import NewTechnology

    Ints = NDArray[np.int64]

__all__ = ["AddOn", "add_on"]


class AddOn(NamedTuple):
    """What new technology adds to each case.

    Attributes
    ----------
    eligible : bool array
        Both tests hold.
    fen : int64 array
        To be added to the standard; 0 where not eligible.
    multiple_e4, share_e4 : int64 array
        Cost over the group's mean, and listed over all cost, scaled 10⁴ and rounded: to show.
    """

    eligible: NDArray[np.bool_]
    fen: Ints
    multiple_e4: Ints
    share_e4: Ints


def add_on(
    cost_fen: Ints, group_mean_fen: Ints, listed_fen: Ints, mean_fen: Ints, rule: NewTechnology
) -> AddOn:
    """Add-on of each case.

    Parameters
    ----------
    cost_fen, group_mean_fen : int64 array
        Cost of the case, mean cost of its group; fen, greater than zero.
    listed_fen, mean_fen : int64 array of shape (categories, cases), or (cases,) for one category
        Cost of listed items by category, and the mean of that category inside the standard. The
        share is tested with all categories together.
    rule : NewTechnology
        Bounds; strict unless it says inclusive.

    Examples
    --------
    >>> from drg.payment.policy import NewTechnology
    >>> rule = NewTechnology(total_multiple=2, share="0.64")
    >>> amounts = (5_000_000, 2_000_000, 3_300_000, 600_000)
    >>> add_on(*(np.array([fen]) for fen in amounts), rule).fen
    array([2700000])
    """
    listed, means = np.atleast_2d(listed_fen), np.atleast_2d(mean_fen)
    together: Ints = listed.sum(axis=0, dtype=np.int64)
    eligible = exceeds(
        cost_fen, rule.total_multiple, group_mean_fen, inclusive=rule.total_inclusive
    ) & exceeds(together, rule.share, cost_fen, inclusive=rule.share_inclusive)
    beyond = np.maximum(listed - means, 0).sum(axis=0, dtype=np.int64)
    scale = np.full(len(cost_fen), 10_000, np.int64)
    return AddOn(
        eligible,
        np.where(eligible, beyond, 0),
        quotient_array([cost_fen, scale], [group_mean_fen]),
        quotient_array([together, scale], [cost_fen]),
    )
