"""Switches of a scheme, and the digest over everything that decides a group."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from drg.errors import TableError

#: mdc, adrg and group as a result reports them.
GroupCodes = tuple[str, str, str]
ResultCodes = tuple[str | None, str | None, str | None]
#: Ungroupable and in no MDC, where the scheme does not say otherwise.
NOWHERE: GroupCodes = ("0000", "00", "0000")
MAX_GROUP_CODE = 16

_CHOICES: Mapping[str, tuple[object, ...]] = {
    "unmatched_adrg": ("self", "next"),
    "retry_other_procedures": (True, False),
    "repeated_principal": ("once", "secondary"),
    "normalise_codes": (True, False),
    "ungroupable": ("mdc",),
    "missing_value": ("reject", "false"),
}
_CODE_FLAGS = ("ungroupable", "rejected")


@dataclass(frozen=True, slots=True)
class Flags:
    """How a scheme's engine behaves where its tables do not say (``[flags]`` of scheme.toml).

    Attributes
    ----------
    unmatched_adrg : {"self", "next"}
        The ADRG's rule holds but none of its DRG tests: the bare ADRG code, or the next ADRG.
    retry_other_procedures : bool
        An ungroupable claim is tried again with each further procedure alone.
    repeated_principal : {"once", "secondary"}
        A principal code that stands again further on: the same code once, or a secondary one too
        (and every further procedure is then tried, not every distinct one).
    normalise_codes : bool
        Harmless spellings are read as the one listed code they can mean.
    ungroupable : "mdc" or (mdc, adrg, group)
        What an ungroupable claim reports: the MDC of its principal diagnosis where it has one
        (else ``NOWHERE``), or always these codes.
    rejected : (mdc, adrg, group)
        What a rejected claim reports; ``""`` is null.
    missing_value : {"reject", "false"}
        A rule that was tried needs a value the claim lacks: reject it, or read the rule as false.
    """

    unmatched_adrg: Literal["self", "next"] = "self"
    retry_other_procedures: bool = False
    repeated_principal: Literal["once", "secondary"] = "once"
    normalise_codes: bool = True
    ungroupable: Literal["mdc"] | GroupCodes = "mdc"
    rejected: GroupCodes = ("", "", "")
    missing_value: Literal["reject", "false"] = "reject"

    @classmethod
    def read(cls, values: Mapping[str, object], where: str) -> Flags:
        """Read flags from TOML values; T123 names an unknown flag or value."""
        read: dict[str, object] = {}
        for name, value in values.items():
            codes = _codes(value) if name in _CODE_FLAGS else None
            choices = _CHOICES.get(name, ())
            if codes is not None:
                read[name] = codes
            elif value in choices and isinstance(value, bool) == isinstance(choices[0], bool):
                read[name] = value
            else:
                raise TableError("T123", where=where, flag=name, value=value)
        return cls(**read)  # type: ignore[arg-type]

    def rejected_codes(self) -> ResultCodes:
        """What a rejected claim reports as mdc, adrg and group."""
        return _reported(self.rejected)

    def ungroupable_codes(self, mdc: str = "") -> ResultCodes:
        """What an ungroupable claim reports; ``mdc`` is that of its principal diagnosis."""
        if self.ungroupable != "mdc":
            return _reported(self.ungroupable)
        return (mdc, "00", mdc.removeprefix("MDC") + "00") if mdc else NOWHERE


def _reported(codes: GroupCodes) -> ResultCodes:
    mdc, adrg, group = (code or None for code in codes)
    return mdc, adrg, group


def _codes(value: object) -> GroupCodes | None:
    """Three short texts, or None when the value is something else."""
    if isinstance(value, list | tuple) and len(value) == 3:
        mdc, adrg, group = value
        if all(isinstance(v, str) and len(v) <= MAX_GROUP_CODE for v in (mdc, adrg, group)):
            return mdc, adrg, group
    return None


def scheme_digest(scheme_id: str, flags: Flags, shas: Mapping[str, str]) -> str:
    """SHA-256 over a scheme's id, flags and table digests, in a fixed order."""
    content = {
        "id": scheme_id,
        "flags": {name: getattr(flags, name) for name in Flags.__dataclass_fields__},
        "tables": dict(sorted(shas.items())),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
