"""Names of the codes of a case, as its grouper understands them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drg.grouping.reference_case import is_blank
from drg.schemes.crosswalk import shipped_crosswalks
from drg.simulate.record import Kind

if TYPE_CHECKING:
    from drg.claims.model import Claim
    from drg.dip.grouper import DipGrouper
    from drg.grouping.grouper import Grouper

__all__ = ["CodeNames"]


class CodeNames:
    """Names codes as a grouper reads them.

    Parameters
    ----------
    grouper : Grouper or DipGrouper or None
        What reads them; None, as where no version was in force: names are those of the national
        lists.
    """

    def __init__(self, grouper: Grouper | DipGrouper | None) -> None:
        self._spellings = None if grouper is None else grouper.reference.spellings

    def name(self, kind: Kind, code: str) -> str:
        """Name of a code as it is written; ``""`` where it is unknown or has none."""
        if self._spellings is None:
            return shipped_crosswalks()[kind].national.get(code.strip(), "")
        spelling = self._spellings[kind]
        listed = spelling.read(code)
        if listed is None:
            return ""
        if spelling.crosswalk is not None:
            return spelling.crosswalk.clinical_name(listed)
        return spelling.names.get(listed, "")

    def listed(self, kind: Kind, claim: Claim) -> tuple[tuple[str, str], ...]:
        """The codes of a claim with their names, in order, empty entries left out."""
        entries = claim.diagnoses if kind == "dx" else claim.procedures
        return tuple((code, self.name(kind, code)) for code in entries if not is_blank(code))
