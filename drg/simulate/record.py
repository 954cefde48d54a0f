"""The codes of one case with what stands beside each, and how they may be moved or dropped.

Conditions at admission belong to diagnoses, days to procedures: they move with their code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from drg.claims.frame import SEPARATOR
from drg.grouping.reference_case import is_blank

__all__ = ["Kind", "Record"]

Kind = Literal["dx", "px"]
#: Column whose parts stand beside the codes of each kind; column that counts them.
_BESIDE: Mapping[Kind, str] = {"dx": "conditions_at_admission", "px": "procedure_dates"}
_COUNTED: Mapping[Kind, str] = {"dx": "dx_count", "px": "op_count"}


class Record(NamedTuple):
    """The entries of one kind.

    Attributes
    ----------
    kind : {"dx", "px"}
    codes : tuple of str
        As written, the empty ones left out.
    beside : tuple of str or None
        What stands beside each; None: nothing is reported, or it cannot be told what belongs to
        what.
    counted : int or None
        As the hospital counted them.
    principal : bool
        Whether the first code, or the first to come, stands at the principal place.
    """

    kind: Kind
    codes: tuple[str, ...]
    beside: tuple[str, ...] | None
    counted: int | None
    principal: bool

    @classmethod
    def of(cls, kind: Kind, entries: Sequence[str], beside: object, count: object) -> Record:
        """The record of a claim's entries.

        Parameters
        ----------
        kind : {"dx", "px"}
        entries : sequence of str
            As ``Claim`` has them.
        beside, count : object
            Cells of ``columns``; None: not reported.
        """
        kept = [place for place, entry in enumerate(entries) if not is_blank(entry)]
        cells = str(beside).split(SEPARATOR) if beside else []
        if len(cells) == len(entries):
            cells = [cells[place] for place in kept]
        told = tuple(cells) if cells and len(cells) == len(kept) else None
        number = str(count).strip().removesuffix(".0") if count is not None else ""
        return cls(
            kind,
            tuple(entries[place] for place in kept),
            told,
            int(number) if number.isascii() and number.isdigit() else None,
            # Of a record without any diagnosis the first one to come is the principal one.
            kind == "px" or kept[:1] in ([], [0]),
        )

    @staticmethod
    def columns(kind: Kind) -> tuple[str, str]:
        """The columns beside and of the count of a kind."""
        return _BESIDE[kind], _COUNTED[kind]

    def led_by(self, place: int) -> Record:
        """The same with one entry as the principal one; the others keep their order."""
        order = [place, *(n for n in range(len(self.codes)) if n != place)]
        return self._ordered(order)

    def without(self, code: str) -> Record:
        """The same without every entry of this code."""
        wanted = code.strip()
        kept = self._ordered([n for n, c in enumerate(self.codes) if c.strip() != wanted])
        # Where no principal diagnosis is recorded, none comes about by dropping another.
        return kept._replace(principal=self.principal)

    def with_added(self, code: str) -> Record:
        """The same with one entry more, at the end."""
        return self._replace(
            codes=(*self.codes, code),
            beside=None if self.beside is None else (*self.beside, ""),
            counted=None if self.counted is None else self.counted + 1,
        )

    def _ordered(self, order: Sequence[int]) -> Record:
        gone = len(self.codes) - len(order)
        return self._replace(
            codes=tuple(self.codes[n] for n in order),
            beside=None if self.beside is None else tuple(self.beside[n] for n in order),
            counted=None if self.counted is None else self.counted - gone,
            principal=True,
        )

    @property
    def entries(self) -> tuple[str, ...]:
        """The entries as a claim has them: an empty one where there is no principal diagnosis."""
        return self.codes if self.principal or not self.codes else ("", *self.codes)

    @property
    def cells(self) -> dict[str, str | int | None]:
        """The columns beside, as they are for these codes; only what is reported."""
        found: dict[str, str | int | None] = {}
        if self.beside is not None:
            blank = () if self.principal or not self.codes else ("",)
            found[_BESIDE[self.kind]] = SEPARATOR.join((*blank, *self.beside)) or None
        if self.counted is not None:
            found[_COUNTED[self.kind]] = max(self.counted, 0)
        return found
