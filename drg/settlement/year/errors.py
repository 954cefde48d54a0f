"""The error of a year that cannot be cleared."""

from __future__ import annotations

from drg.errors import DrgError

__all__ = ["ClearingError"]


class ClearingError(DrgError, ValueError):
    """A year cannot be cleared from what is given."""

    exit_code = 2
