"""A request that its model refuses, as one error in words: which field, and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from drg.service.errors import ServiceError
from drg.text import catalogue, text

__all__ = ["invalid", "too_long"]

_AREA = "service"
#: The values of a choice, as pydantic lists them.
_QUOTED = re.compile(r"'([^']*)'")


def invalid(errors: Sequence[Any]) -> ServiceError:
    """The first of what a model says is wrong, as an error.

    Parameters
    ----------
    errors : sequence of mapping
        As ``pydantic.ValidationError.errors()``: ``type``, ``loc``, ``ctx``. What was given is
        left out of the message.
    """
    first = errors[0]
    kind = str(first["type"])
    place = [part for part in first["loc"] if part not in ("body", "query")]
    where = ".".join(map(str, place))
    if kind == "json_invalid":
        return ServiceError("H417", where=where, why=text("service.not_readable"))
    key = f"why_{kind}"
    known = key if key in catalogue(_AREA) else "why_other"
    params = {name: str(value) for name, value in first.get("ctx", {}).items()}
    if "expected" in params:  # 'a', 'b' or 'c'
        params["expected"] = ", ".join(_QUOTED.findall(params["expected"]))
    why = text(f"{_AREA}.{known}", **params) if params else text(f"{_AREA}.{known}")
    field = str(place[-1]) if place else text("service.whole_body")
    return ServiceError("H418", where=where, field=field, why=why)


def too_long(field: str, most: int) -> ServiceError:
    """The error of a text that is longer than the service was told to take."""
    why = text("service.why_string_too_long", max_length=most)
    return ServiceError("H418", where=field, field=field, why=why)
