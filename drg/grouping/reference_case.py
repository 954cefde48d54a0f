"""One claim as the reference grouper understands it: codes in their known spelling, by position.

Independent of the kernel's encoder on purpose: the two are tested against each other.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Literal, NamedTuple

from drg.schemes.rules import NUMBER_FIELDS, SCALAR_FIELDS

if TYPE_CHECKING:
    from drg.claims.model import Claim

#: A written code longer than this (UTF-8 bytes) is unknown.
MAX_WRITTEN_BYTES = 96

#: Rule field -> claim column, where the two names differ.
_COLUMN = {
    "weight": "birth_weight_g",
    "admission_weight": "admission_weight_g",
    "los": "los_days",
}
_scalars = attrgetter(*(_COLUMN.get(field, field) for field in SCALAR_FIELDS))
_SEX = {"M": "male", "F": "female"}
_SEX_PLACE = SCALAR_FIELDS.index("sex")

_LOWER = "abcdefghijklmnopqrstuvwxyz"
_FULL_WIDTH = 0xFEE0  # distance of U+FF01..U+FF5E from the ASCII character
_BLANKS = " \t\u00a0\u3000"
#: Harmless differences of writing: full-width forms, ASCII case, blanks.
_FOLD: dict[int, int | None] = {
    **{code: code - _FULL_WIDTH for code in range(0xFF01, 0xFF5F)},
    **{ord(letter): ord(letter.upper()) for letter in _LOWER},
    **{ord(letter) + _FULL_WIDTH: ord(letter.upper()) for letter in _LOWER},
    **dict.fromkeys(map(ord, _BLANKS)),
}


def fold(code: str) -> str:
    """A code without blanks, in half-width characters and upper-case ASCII letters."""
    return code.translate(_FOLD)


class Spelling:
    """The known codes of one kind, and the misspellings that can only mean one of them.

    Parameters
    ----------
    known : frozenset of str
        Codes of the national list and of the scheme.
    names : mapping of str to str
        Their national names, where there is one.
    lenient : bool
        False compares whole codes exactly (flag ``normalise_codes``).
    """

    def __init__(
        self, known: frozenset[str], names: Mapping[str, str], *, lenient: bool
    ) -> None:
        self.known = known
        self.names = names
        self.lenient = lenient

    def read(self, written: str) -> str | None:
        """The known code that is meant, or None: unknown, or not the only possibility."""
        if written in self.known:
            return written
        if not self.lenient or len(written.encode("utf-8", "replace")) > MAX_WRITTEN_BYTES:
            return None
        folded = fold(written)
        meant = self._whole.get(folded) or self._shortened.get(folded, ())
        return meant[0] if len(meant) == 1 else None

    @cached_property
    def _whole(self) -> Mapping[str, tuple[str, ...]]:
        return _index((fold(code), code) for code in self.known)

    @cached_property
    def _shortened(self) -> Mapping[str, tuple[str, ...]]:
        """``E10.300x051`` and ``E10.300x051+H42.0`` both stand for ``E10.300x051+H42.0*``."""
        pairs = []
        for code in self.known:
            folded = fold(code)
            if "+" in folded:
                pairs.append((folded.partition("+")[0], code))
            if folded.endswith("*"):
                pairs.append((folded[:-1], code))
        return _index(pairs)


def _index(pairs: Iterable[tuple[str, str]]) -> Mapping[str, tuple[str, ...]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for spelling, code in pairs:
        found[spelling].add(code)
    return {spelling: tuple(sorted(codes)) for spelling, codes in found.items()}


class Reading(NamedTuple):
    """One code of a claim.

    Attributes
    ----------
    written : str
        As the claim has it.
    code : str or None
        As understood; None: unknown.
    kind : {"dx", "px"}
        Diagnosis or procedure.
    principal : bool
        Stands at the principal place.
    """

    written: str
    code: str | None
    kind: Literal["dx", "px"]
    principal: bool

    @property
    def respelled(self) -> bool:
        """Whether the known code differs from what was written."""
        return self.code is not None and self.code != self.written


class SeverityFact(NamedTuple):
    """A secondary diagnosis with a level, its exclusion table, and whether it counts."""

    code: str
    level: str
    table: str
    counts: bool


class Case:
    """A claim in the form that rules ask for.

    Unknown codes are kept in `diagnoses` and `procedures` only: they match no set, no inline list
    and no prefix. A repeated code counts once, where it stands first, so that `secondary_dx`
    and `secondary_px` never hold the principal code.

    Attributes
    ----------
    diagnoses, procedures : tuple of Reading
        Every non-empty entry in claim order.
    principal_dx, principal_px : str or None
        Known code; None when missing or unknown.
    secondary_dx, secondary_px, any_dx, any_px : frozenset of str
        Known codes by position.
    values : list of int, str or None
        Scalar fields in the order of ``SCALAR_FIELDS``; None: missing or invalid.
    unusable : set of str
        Fields that hold something without a usable value: invalid scalars, and `principal_dx`
        or `principal_px` when that code is unknown. A field without a value is missing if it is
        not in here.
    severity : tuple of SeverityFact
        Secondary diagnoses with a level, in claim order; filled in by the interpreter.
    levels : frozenset of str
        Levels (MCC, CC) that count.
    """

    __slots__ = (
        "any_dx",
        "any_px",
        "claim_id",
        "diagnoses",
        "levels",
        "names",
        "principal_dx",
        "principal_px",
        "procedures",
        "secondary_dx",
        "secondary_px",
        "severity",
        "unusable",
        "values",
    )

    def __init__(self, claim: Claim, dx: Spelling, px: Spelling) -> None:
        self.claim_id = claim.claim_id
        self.unusable: set[str] = set()
        self.values = self._read_scalars(claim)
        self.names = {"dx": dx.names, "px": px.names}
        self.diagnoses = _read(claim.diagnoses, "dx", dx)
        self.procedures = _read(claim.procedures, "px", px)
        if claim.diagnoses and is_blank(claim.diagnoses[0]):
            self.diagnoses = tuple(r._replace(principal=False) for r in self.diagnoses)
        self.any_dx = frozenset([r.code for r in self.diagnoses if r.code])
        self.any_px = frozenset([r.code for r in self.procedures if r.code])
        self.principal_dx = self._principal("principal_dx", self.diagnoses)
        self.principal_px = self._principal("principal_px", self.procedures)
        self.secondary_dx = self.any_dx - {self.principal_dx}
        self.secondary_px = self.any_px - {self.principal_px}
        self.severity: tuple[SeverityFact, ...] = ()
        self.levels: frozenset[str] = frozenset()

    def name(self, reading: Reading) -> str:
        """National name of a code; ``""`` when it is unknown or has none."""
        return self.names[reading.kind].get(reading.code or "", "")

    def _read_scalars(self, claim: Claim) -> list[int | str | None]:
        values: list[int | str | None] = list(_scalars(claim))
        for place, value in enumerate(values):
            if value is None:
                continue
            usable: int | str | None = None
            if place == _SEX_PLACE:
                usable = _SEX.get(value) if isinstance(value, str) else None
            elif type(value) is (int if place < len(NUMBER_FIELDS) else str):
                usable = value
            if usable is None or usable == "":
                usable = None
                if value != "":
                    self.unusable.add(SCALAR_FIELDS[place])
            values[place] = usable
        return values

    def _principal(self, field: str, readings: tuple[Reading, ...]) -> str | None:
        if not readings or not readings[0].principal:
            return None
        if readings[0].code is None:
            self.unusable.add(field)
        return readings[0].code

    def further_procedures(self) -> list[Reading]:
        """Distinct procedures after the first one; all unknown procedures count as one code."""
        distinct: dict[str | None, Reading] = {}
        for reading in self.procedures:
            distinct.setdefault(reading.code, reading)
        return list(distinct.values())[1:]

    def with_only(self, procedure: Reading) -> Case:
        """The same case with this procedure as its only, principal one."""
        case = copy.copy(self)
        case.unusable = self.unusable - {"principal_px"}
        case.procedures = (procedure._replace(principal=True),)
        case.principal_px = case._principal("principal_px", case.procedures)
        case.any_px = frozenset([procedure.code] if procedure.code else [])
        case.secondary_px = frozenset()
        return case


def is_blank(written: str | None) -> bool:
    """Is the entry empty: null, ``""`` or blanks only?"""
    return not written or not written.strip(_BLANKS)


def _read(
    entries: Iterable[str | None], kind: Literal["dx", "px"], spelling: Spelling
) -> tuple[Reading, ...]:
    """Readings of the entries that are not empty; the first one is the principal code."""
    known = spelling.known
    readings: list[Reading] = []
    for written in entries:
        if written in known:
            readings.append(Reading(written, written, kind, not readings))
        elif written and not is_blank(written):
            readings.append(Reading(written, spelling.read(written), kind, not readings))
    return tuple(readings)
