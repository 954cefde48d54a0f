"""A column of few distinct texts as numbers, and codes written alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Named", "clean_code"]


class Named(NamedTuple):
    """A column of few distinct values.

    Attributes
    ----------
    names : tuple of str
        The values; ``""`` never.
    codes : integer array
        Place in ``names``; ``len(names)``: not reported.
    """

    names: tuple[str, ...]
    codes: NDArray[np.integer[Any]]

    def take(self, rows: NDArray[np.integer[Any]]) -> Named:
        """The rows of these places."""
        return Named(self.names, self.codes[rows])

    def marked(self, test: Callable[[str], object]) -> NDArray[np.bool_]:
        """Rows whose value passes a test; what is not reported does not."""
        passing = np.zeros(len(self.names) + 1, np.bool_)
        passing[:-1] = np.fromiter(map(test, self.names), np.bool_, len(self.names))
        if not passing.any():
            return np.zeros(len(self.codes), np.bool_)
        found: NDArray[np.bool_] = passing[self.codes]
        return found

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Rows that report nothing."""
        found: NDArray[np.bool_] = self.codes == len(self.names)
        return found


def clean_code(text: str) -> str:
    """A code without blanks around it, in capitals."""
    return text.strip(" \t\r\n\u00a0\u3000").upper()
