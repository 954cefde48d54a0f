"""Names of the codes of a case, as its grouper understands them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drg.grouping.reference_case import Case, is_blank
from drg.schemes.crosswalk import shipped_crosswalks
from drg.simulate.record import Kind

if TYPE_CHECKING:
    from drg.claims.model import Claim
    from drg.grouping.explain import Step

__all__ = ["CodeNames"]


class CodeNames:
    """Names codes as one decision read them.

    Parameters
    ----------
    steps : sequence of Step
        Of any claim under the grouper; without its codes read, as where no version was in force,
        names are those of the national lists.
    """

    def __init__(self, steps: list[Step]) -> None:
        self._case = next((s.subject for s in steps if isinstance(s.subject, Case)), None)

    def name(self, kind: Kind, code: str) -> str:
        """Name of a code as it is written; ``""`` where it is unknown or has none."""
        if self._case is None:
            return shipped_crosswalks()[kind].national.get(code.strip(), "")
        spelling = (self._case.dx if kind == "dx" else self._case.px).spelling
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
