"""Payment standard of a case: weight × rate × coefficient, rounded to the fen once (spec A.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drg.errors import DrgError
from drg.money import PLACES, product_array

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["PaymentError", "standard_fen"]

#: A weight and a coefficient, each scaled 10⁴.
_SCALES = 10 ** (2 * PLACES)


class PaymentError(DrgError, ValueError):
    """A price cannot be computed from these numbers."""

    exit_code = 3


def standard_fen(weight_e4: Ints, rate_fen: Ints, coefficient_e4: Ints) -> Ints:
    """Standard of each case: ``RW × rate × coefficient``.

    Parameters
    ----------
    weight_e4, coefficient_e4 : int64 array
        Scaled 10⁴; 10 000 where no coefficient applies.
    rate_fen : int64 array
        Price of weight 1 in fen.

    Returns
    -------
    int64 array
        Fen, rounded half up once.

    Examples
    --------
    >>> import numpy as np
    >>> standard_fen(np.array([7290]), np.array([1225270]), np.array([10_000]))
    array([893222])
    """
    return product_array(weight_e4, rate_fen, coefficient_e4, over=_SCALES)
