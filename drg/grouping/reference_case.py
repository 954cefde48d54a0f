"""One claim as the reference grouper understands it: codes in their known spelling, by position.

Independent of the kernel's encoder on purpose: the two are tested against each other.
"""

from __future__ import annotations

import copy
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from drg.schemes.rules import NUMBER_FIELDS, SCALAR_FIELDS

if TYPE_CHECKING:
    from drg.claims.model import Claim
    from drg.schemes.crosswalk import Crosswalk, Edition

#: A number beyond 32 bits is invalid: no claim has one.
INT32 = 2**31 - 1

#: Rule field -> claim column, where the two names differ.
_COLUMN = {
    "weight": "birth_weight_g",
    "admission_weight": "admission_weight_g",
    "los": "los_days",
}
_scalars = attrgetter(*(_COLUMN.get(field, field) for field in SCALAR_FIELDS))
_SEX = {"M": "male", "F": "female"}
#: "5.0" is how a column of numbers writes 5.
_WHOLE_NUMBER = re.compile(r"^([+-]?\d+)\.0*$")
_SEX_PLACE = SCALAR_FIELDS.index("sex")

_LOWER = "abcdefghijklmnopqrstuvwxyz"
_FULL_WIDTH = 0xFEE0  # distance of U+FF01..U+FF5E from the ASCII character
_Index: TypeAlias = Mapping[str, tuple[str, ...]]
_BLANKS = " \t\r\n\u00a0\u3000"
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
    crosswalk : Crosswalk, optional
        Claims come in the clinical edition: its codes are the known ones, and each stands for
        the insurance code it is mapped to.
    """

    def __init__(
        self,
        known: frozenset[str],
        names: Mapping[str, str],
        *,
        lenient: bool,
        crosswalk: Crosswalk | None = None,
    ) -> None:
        self.known = frozenset(crosswalk.insurance) if crosswalk else known
        self.names = names
        self.lenient = lenient
        self.crosswalk = crosswalk

    def read(self, written: str) -> str | None:
        """The known code that is meant, in the claim's edition; None: unknown, or several fit."""
        if written in self.known:
            return written
        if not self.lenient:
            return None
        folded = fold(written)
        whole, shortened = _folded(self.known)
        meant = whole.get(folded) or shortened.get(folded, ())
        return meant[0] if len(meant) == 1 else None

    def meaning(self, listed: str | None) -> str | None:
        """The insurance code that a known code stands for."""
        if listed is None or self.crosswalk is None:
            return listed
        return self.crosswalk.insurance[listed]


# Kept for the schemes in use: most know the same codes, and rules are read scheme by scheme.
@lru_cache(maxsize=4)
def _folded(known: frozenset[str]) -> tuple[_Index, _Index]:
    """Codes by their folded spelling, and by what is written of a dagger pair's.

    ``E10.300x051`` and ``E10.300x051+H42.0`` both stand for ``E10.300x051+H42.0*``.
    """
    whole, shortened = [], []
    for code in known:
        folded = fold(code)
        whole.append((folded, code))
        if "+" in folded:
            shortened.append((folded.partition("+")[0], code))
        if folded.endswith("*"):
            shortened.append((folded[:-1], code))
    return _index(whole), _index(shortened)


def _index(pairs: Iterable[tuple[str, str]]) -> _Index:
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
        As understood, in the insurance edition; None: unknown.
    kind : {"dx", "px"}
        Diagnosis or procedure.
    principal : bool
        Stands at the principal place.
    listed : str or None
        As understood, in the claim's own edition; None: unknown.
    """

    written: str
    code: str | None
    kind: Literal["dx", "px"]
    principal: bool
    listed: str | None

    @property
    def respelled(self) -> bool:
        """Whether the known code differs from what was written."""
        return self.listed is not None and self.listed != self.written

    @property
    def mapped(self) -> bool:
        """Whether the other edition's code differs from the claim's own."""
        return self.listed is not None and self.listed != self.code


class Entries(NamedTuple):
    """Code entries of a claim that are not empty, in order, as written and as understood.

    Attributes
    ----------
    written, codes, listed : tuple
        Same length; as in ``Reading``. A code is None where the entry is unknown.
    has_principal : bool
        Whether the first entry stands at the principal place.
    spelling : Spelling
        What the codes were read by.
    """

    written: tuple[str, ...]
    codes: tuple[str | None, ...]
    listed: tuple[str | None, ...]
    has_principal: bool
    spelling: Spelling


class SeverityFact(NamedTuple):
    """A secondary diagnosis with a level, its exclusion table, and whether it counts."""

    code: str
    level: str
    table: str
    counts: bool


class Case:
    """A claim in the form that rules ask for.

    Unknown codes match no set, no inline list and no prefix. A repeated code counts once, where
    it stands first, so that `secondary_dx` and `secondary_px` never hold the principal code
    (unless the scheme's flag ``repeated_principal`` says "secondary").

    Attributes
    ----------
    dx, px : Entries
        Diagnoses and procedures in claim order.
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
        "_repeats",
        "any_dx",
        "any_px",
        "claim_id",
        "dx",
        "levels",
        "principal_dx",
        "principal_px",
        "px",
        "secondary_dx",
        "secondary_px",
        "severity",
        "unusable",
        "values",
    )

    def __init__(self, claim: Claim, dx: Spelling, px: Spelling, repeats: bool = False) -> None:
        self.claim_id = claim.claim_id
        self._repeats = repeats
        self.unusable: set[str] = set()
        self.values = self._read_scalars(claim)
        diagnoses = claim.diagnoses
        self.dx = _read(diagnoses, dx, has_principal=bool(diagnoses) and not is_blank(diagnoses[0]))
        self.principal_dx = self._principal("principal_dx", self.dx)
        self.any_dx = frozenset(filter(None, self.dx.codes))
        self.secondary_dx = self._secondary(self.dx, self.principal_dx)
        self._take_procedures(_read(claim.procedures, px, has_principal=True))
        self.severity: tuple[SeverityFact, ...] = ()
        self.levels: frozenset[str] = frozenset()

    def _take_procedures(self, procedures: Entries) -> None:
        self.px = procedures
        self.principal_px = self._principal("principal_px", procedures)
        self.any_px = frozenset(filter(None, procedures.codes))
        self.secondary_px = self._secondary(procedures, self.principal_px)

    def _secondary(self, entries: Entries, principal: str | None) -> frozenset[str]:
        others = entries.codes[1:] if entries.has_principal else entries.codes
        found = frozenset(filter(None, others))
        return found if self._repeats else found - {principal}

    def _read_scalars(self, claim: Claim) -> list[int | str | None]:
        values: list[int | str | None] = list(_scalars(claim))
        for place, value in enumerate(values):
            if value is None:
                continue
            if place < len(NUMBER_FIELDS):
                if type(value) is int and -INT32 < value <= INT32:
                    continue
                values[place] = None
                self.unusable.add(SCALAR_FIELDS[place])
                continue
            text = value.strip(_BLANKS) if isinstance(value, str) else ""
            text = _WHOLE_NUMBER.sub(r"\1", text)
            values[place] = text or None
            if place == _SEX_PLACE and text:
                values[place] = _SEX.get(text)
                if values[place] is None:
                    self.unusable.add("sex")
        return values

    def _principal(self, field: str, entries: Entries) -> str | None:
        if not entries.has_principal or not entries.codes:
            return None
        if entries.codes[0] is None:
            self.unusable.add(field)
        return entries.codes[0]

    def readings(self, kind: Literal["dx", "px"]) -> tuple[Reading, ...]:
        """Every entry of a kind, as written and as understood."""
        entries = self.dx if kind == "dx" else self.px
        rows = zip(entries.written, entries.codes, entries.listed, strict=True)
        return tuple(
            Reading(written, code, kind, entries.has_principal and place == 0, listed)
            for place, (written, code, listed) in enumerate(rows)
        )

    def name(self, reading: Reading) -> str:
        """National name of a code; ``""`` when it is unknown or has none."""
        return self._spelling(reading).names.get(reading.code or "", "")

    def clinical_name(self, reading: Reading) -> str:
        """The clinical edition's name of a code as the claim has it; ``""`` when unknown."""
        crosswalk = self._spelling(reading).crosswalk
        return crosswalk.clinical_name(reading.listed or "") if crosswalk else ""

    def edition(self, reading: Reading) -> Edition:
        """Edition of the codes of the claim."""
        return "clinical" if self._spelling(reading).crosswalk else "insurance"

    def _spelling(self, reading: Reading) -> Spelling:
        return (self.dx if reading.kind == "dx" else self.px).spelling

    def tries(self) -> list[Case]:
        """The same case with each further procedure alone.

        A code is tried once, all unknown ones being one, unless repeated codes count.
        """
        if self._repeats:
            return [self._alone(place) for place in range(1, len(self.px.codes))]
        first: dict[str | None, int] = {}
        for place, code in enumerate(self.px.codes):
            first.setdefault(code, place)
        return [self._alone(place) for place in list(first.values())[1:]]

    def _alone(self, place: int) -> Case:
        case = copy.copy(self)
        case.unusable = self.unusable - {"principal_px"}
        px, only = self.px, slice(place, place + 1)
        alone = Entries(px.written[only], px.codes[only], px.listed[only], True, px.spelling)
        case._take_procedures(alone)
        return case


def is_blank(written: str | None) -> bool:
    """Whether an entry is empty: null, ``""`` or blanks only."""
    return not written or not written.strip(_BLANKS)


def _read(entries: tuple[str, ...], spelling: Spelling, *, has_principal: bool) -> Entries:
    """The entries that are not empty, read by a spelling."""
    written = entries
    listed: tuple[str | None, ...] = entries
    if not spelling.known.issuperset(entries):
        written = tuple(entry for entry in entries if not is_blank(entry))
        listed = tuple(map(spelling.read, written))
    codes = tuple(map(spelling.meaning, listed)) if spelling.crosswalk else listed
    return Entries(written, codes, listed, has_principal, spelling)
