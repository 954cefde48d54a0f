"""The grouper of whatever is named: a DIP catalogue, a DRG scheme, or a place's versions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from drg.errors import SchemeError

if TYPE_CHECKING:
    from drg.grouping.base import ClaimGrouper

__all__ = ["load_grouper"]


def load_grouper(
    name: str | Path, compat: str | None = None, codes: str | None = None
) -> ClaimGrouper:
    """The grouper of a DIP catalogue, of a scheme, or of a place.

    Parameters
    ----------
    name : str or Path
        A catalogue's id (``"taian-2025"``) or folder, a scheme's (``"chongqing-2022"``), or a
        place whose version each claim's day of discharge chooses (``"chongqing"``).
    compat : str, optional
        Overlay to apply, e.g. ``"opendrg"``; a catalogue has none.
    codes : {"insurance", "clinical"}, optional
        Edition of the codes in claims; the insurance edition when omitted.

    Raises
    ------
    SchemeError, TableError
        As ``DipGrouper.load`` and ``drg.grouping.versions.load_grouper``; S102 for an overlay of a
        catalogue.
    """
    from drg.dip.catalogue import catalogue_folder

    folder = catalogue_folder(name)
    if folder is None:
        from drg.grouping.versions import load_grouper as load_scheme_grouper

        return load_scheme_grouper(name, compat, codes)
    if compat:
        raise SchemeError("S102", id=str(name), compat=compat, known="—")
    from drg.dip.grouper import DipGrouper

    return DipGrouper.load(name, codes)
