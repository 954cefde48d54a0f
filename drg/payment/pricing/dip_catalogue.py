"""What pricing asks a DIP catalogue for: scores of groups, mean costs, coefficients of variation.

Two of its tables are read and held to their digests; nothing is matched here, so neither codes nor
conditions are needed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from drg.dip.catalogue import CATALOGUE_FILE, catalogue_folder
from drg.dip.tables import CATALOGUE_TABLES
from drg.money import PLACES, round_scaled
from drg.payment.mechanisms.standard import PaymentError
from drg.schemes.folder import read_folder
from drg.schemes.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drg.payment.policy import Policy

__all__ = ["CatalogueNumbers", "catalogue_id", "paid_scheme", "read_catalogue_numbers"]

_FEN = 2


@dataclass(frozen=True, slots=True)
class CatalogueNumbers:
    """Numbers of a catalogue by group code, those of subtypes by ``group_subtype``.

    Attributes
    ----------
    id : str
    scores : mapping of str to int
        Scaled 10⁴.
    means : mapping of str to int
        Fen.
    cv : mapping of str to Fraction
    """

    id: str
    scores: Mapping[str, int] = field(default_factory=dict)
    means: Mapping[str, int] = field(default_factory=dict)
    cv: Mapping[str, Fraction] = field(default_factory=dict)


def catalogue_id(named: str) -> str:
    """Id of a catalogue that a policy names by id or folder; ``""`` stays."""
    path = catalogue_folder(named) if named else None
    if path is None:
        return Path(named).name if "/" in named else named
    return str(read_folder(path, CATALOGUE_FILE).header.get("id", path.name))


def paid_scheme(policy: Policy) -> str:
    """Scheme or catalogue whose groups a policy pays, as results name it; ``""``: any, or none.

    Reads the header of a catalogue.
    """
    if policy.drg is not None:
        return policy.drg.scheme
    return catalogue_id(policy.dip.catalogue) if policy.dip is not None else ""


def read_catalogue_numbers(named: str) -> CatalogueNumbers:
    """Read the numbers of a catalogue.

    Raises
    ------
    PaymentError
        P493: there is no such catalogue.
    TableError
        A table of it is missing, changed or broken.
    """
    path = catalogue_folder(named) if named else None
    if path is None:
        raise PaymentError("P493", catalogue=named or "—")
    folder = read_folder(path, CATALOGUE_FILE)
    groups = read_table(folder, CATALOGUE_TABLES["groups"]).select(
        "group", "score", "mean_cost", "cv"
    )
    scores: dict[str, int] = {}
    means: dict[str, int] = {}
    cv: dict[str, Fraction] = {}
    for group, score, mean, variation in groups.iter_rows():
        _put(scores, group, score, PLACES)
        _put(means, group, mean, _FEN)
        if variation:
            cv[group] = Fraction(variation)
    if "auxiliary" in folder.entries:
        subtypes = read_table(folder, CATALOGUE_TABLES["auxiliary"])
        rows = subtypes.select("group", "subtype", "score", "mean_cost")
        for group, subtype, score, mean in rows.iter_rows():
            _put(scores, f"{group}_{subtype}", score, PLACES)
            _put(means, f"{group}_{subtype}", mean, _FEN)
    return CatalogueNumbers(str(folder.header.get("id", path.name)), scores, means, cv)


def _put(numbers: dict[str, int], key: str, cell: str, places: int) -> None:
    if cell:
        numbers[key] = round_scaled(Fraction(Decimal(cell)), places)
