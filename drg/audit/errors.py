"""Errors of rule sets (T200-T219): file, path of the value and mend."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from drg.errors import DrgError, TableError

__all__ = ["SuppliedRuleError", "near", "refuse"]

_NEAR = 4


class SuppliedRuleError(DrgError, ValueError):
    """A parameter that the user gives cannot be taken."""

    exit_code = 2


def near(wanted: str, known: Sequence[str]) -> str:
    """Names like the one asked for, or the first of all there are."""
    found = get_close_matches(wanted, list(known), n=_NEAR, cutoff=0.5)
    return ", ".join(found or list(known)[:_NEAR]) or "—"


def refuse(code: str, where: object, **params: object) -> TableError:
    """The error of a file that cannot be used."""
    return TableError(code, where=str(where), **params)
