"""Errors of policies: what pydantic and the checks find, worded for the author of a policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import TYPE_CHECKING

from drg.errors import DrgError
from drg.payment.policy.numbers import Impossible
from drg.text import text

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["PolicyError", "SupplyError", "near", "pydantic_error", "shown"]

_NEAR = 4
#: What a value should have been, by the beginning of pydantic's name of the error.
_TYPES = ("bool", "int", "string", "tuple", "list", "dict", "mapping", "model", "date")
Path = tuple[str, ...]


class PolicyError(DrgError, ValueError):
    """A policy cannot be used: the message names file, path of the number and mend."""


class SupplyError(DrgError, ValueError):
    """A number that the user gives with ``--set`` cannot be taken."""

    exit_code = 2


def near(wanted: str, known: Sequence[str]) -> str:
    """Names like the one asked for, or the first of all there are."""
    found = get_close_matches(wanted, list(known), n=_NEAR, cutoff=0.5)
    return ", ".join(found or list(known)[:_NEAR]) or "—"


def pydantic_error(
    error: ErrorDetails, path: Path, fields: Sequence[str], file: str, wanted: bool
) -> PolicyError:
    """One of pydantic's errors in our words.

    Parameters
    ----------
    error : ErrorDetails
    path : tuple of str
        Where the value stands in the policy.
    fields : sequence of str
        Keys that may stand there.
    file : str
        File that gives it.
    wanted : bool
        The file leaves the number open.
    """
    kind, where = error["type"], ".".join(path)
    context = error.get("ctx", {})
    value = shown(error.get("input"))
    if kind == "extra_forbidden":
        return PolicyError("P461", where=file, path=where, near=near(path[-1], fields))
    if kind == "missing":
        return PolicyError("P469" if wanted else "P464", where=file, path=where)
    if kind == "value_error":
        cause = context.get("error")
        why = str(cause) if isinstance(cause, Impossible) else error["msg"]
        return PolicyError("P462", where=file, path=where, value=value, why=why)
    for bound in ("ge", "gt", "le", "lt"):
        if bound in context:
            why = text(f"policies.why_{bound}", None, bound=context[bound])
            return PolicyError("P462", where=file, path=where, value=value, why=why)
    if kind in ("literal_error", "enum"):
        choices = str(context.get("expected", "")).replace(" or ", ", ").replace("'", "")
        return PolicyError("P463", where=file, path=where, value=value, wanted=choices)
    name = next((t for t in _TYPES if kind.startswith(t)), "other")
    expected = text(f"policies.type_{name}")
    return PolicyError("P463", where=file, path=where, value=value, wanted=expected)


def shown(value: object) -> str:
    """A value as a TOML file would have it, cut short where it is long."""
    written = _written(value)
    return written if len(written) <= 60 else written[:57] + "…"


def _written(value: object) -> str:
    if isinstance(value, bool | float | Decimal):
        return str(value).lower().replace("infinity", "inf")
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {_written(part)}' for key, part in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_written, value))}]"
    return str(value)
