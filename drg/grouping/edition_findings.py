"""Findings about the edition of codes: mapped, without a mapping, or open to both readings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl

from drg.grouping.editions import ambiguous_codes
from drg.grouping.reference_case import Reading, Spelling
from drg.schemes.crosswalk import Crosswalk, shipped_crosswalks
from drg.text import text

if TYPE_CHECKING:
    from drg.claims.profiles import ClaimColumns
    from drg.grouping.base import ClaimGrouper

__all__ = ["EditionCheck"]


class EditionCheck:
    """What the edition of a file's codes gives to look at.

    Parameters
    ----------
    grouper : ClaimGrouper
        Reads the codes in one edition.
    stated : bool
        Whoever gave the file said which edition it uses. If not, codes that mean different things
        in the two editions are named.
    """

    def __init__(self, grouper: ClaimGrouper, *, stated: bool) -> None:
        self._clinical = grouper.codes == "clinical"
        self._crosswalks = None if stated or self._clinical else shipped_crosswalks()
        self._finder = ambiguous_codes(self._crosswalks) if self._crosswalks else None

    def concerns(
        self, frame: pl.DataFrame, columns: ClaimColumns, results: pl.DataFrame
    ) -> pl.Series:
        """Which rows have something to look at, whatever their reason.

        Parameters
        ----------
        frame : DataFrame
            Claims.
        columns : ClaimColumns
            Which columns feed which field.
        results : DataFrame
            Their results; under the clinical edition with ``mapped_codes``.
        """
        if self._clinical:
            return results["mapped_codes"].is_not_null()
        if self._finder is None:
            return pl.repeat(False, frame.height, eager=True)
        return self._finder.find(frame, columns).is_not_null()

    def findings(
        self, reading: Reading, spelling: Spelling, lang: str | None
    ) -> Iterator[tuple[str, str]]:
        """Reason code and words of what its edition gives to say of a code.

        Parameters
        ----------
        reading : Reading
            The code as written and as understood.
        spelling : Spelling
            What it was read by.
        lang : {"zh", "en"} or None
            Language of the words; the context's when None.
        """
        if reading.mapped:
            walk = spelling.crosswalk
            own = walk.clinical_name(reading.listed or "") if walk else ""
            name = spelling.names.get(reading.code or "", "")
            listed = f"{reading.listed} {own}".rstrip()
            yield "N410", f"{listed} → {reading.code} {name}".rstrip()
        elif self._clinical and reading.code is None:
            yield "N411", reading.written
        elif self._crosswalks is not None:
            crosswalk = self._crosswalks[reading.kind]
            if reading.code is not None and reading.code in crosswalk.ambiguous:
                yield "N412", _both(crosswalk, reading.code, lang)
            elif reading.code is None and reading.written in crosswalk.insurance:
                other = crosswalk.insurance[reading.written]
                name = crosswalk.clinical_name(reading.written)
                yield "N413", f"{reading.written} {name} → {other}"


def _both(crosswalk: Crosswalk, code: str, lang: str | None) -> str:
    """A code with its meaning in either edition."""
    other = crosswalk.ambiguous[code]
    return text(
        "cli.both_editions",
        lang,
        code=code,
        insurance=crosswalk.national[code],
        clinical=crosswalk.clinical_name(code),
        other=f"{other} {crosswalk.national[other]}",
    )
