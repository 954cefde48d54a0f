"""Switches of a scheme, and the digest over everything that decides a group."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from drg.errors import TableError


@dataclass(frozen=True, slots=True)
class Flags:
    """How a scheme's engine behaves where its tables do not say (``[flags]`` of scheme.toml).

    Attributes
    ----------
    unmatched_adrg : {"self", "next"}
        The ADRG's rule holds but none of its DRG tests: the bare ADRG code, or the next ADRG.
    retry_other_procedures : bool
        An ungroupable claim is tried again with each further procedure alone.
    normalise_codes : bool
        Harmless spellings are read as the one listed code they can mean.
    ungroupable : {"mdc", "0000"}
        What an ungroupable claim reports: the MDC of its principal diagnosis, or never one.
    rejected : {"", "0000"}
        What a rejected claim reports as mdc, adrg and group: nothing, or 0000 / 00 / 0000.
    missing_value : {"reject", "false"}
        A rule that was tried needs a value the claim lacks: reject it, or read the rule as false.
    """

    unmatched_adrg: Literal["self", "next"] = "self"
    retry_other_procedures: bool = False
    normalise_codes: bool = True
    ungroupable: Literal["mdc", "0000"] = "mdc"
    rejected: Literal["", "0000"] = ""
    missing_value: Literal["reject", "false"] = "reject"

    @classmethod
    def read(cls, values: Mapping[str, object], where: str) -> Flags:
        """Read flags from TOML values; T123 names an unknown flag or value."""
        allowed: dict[str, tuple[object, ...]] = {
            "unmatched_adrg": ("self", "next"),
            "retry_other_procedures": (True, False),
            "normalise_codes": (True, False),
            "ungroupable": ("mdc", "0000"),
            "rejected": ("", "0000"),
            "missing_value": ("reject", "false"),
        }
        for name, value in values.items():
            if (
                name not in allowed
                or value not in allowed[name]
                or (isinstance(value, bool) != isinstance(allowed[name][0], bool))
            ):
                raise TableError("T123", where=where, flag=name, value=value)
        return cls(**values)  # type: ignore[arg-type]


def scheme_digest(scheme_id: str, flags: Flags, shas: Mapping[str, str]) -> str:
    """SHA-256 over a scheme's id, flags and table digests, in a fixed order."""
    content = {
        "id": scheme_id,
        "flags": {name: getattr(flags, name) for name in Flags.__dataclass_fields__},
        "tables": dict(sorted(shas.items())),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
