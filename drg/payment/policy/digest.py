"""The digest of a policy, and the tables of weights and diseases it names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from drg.dip.catalogue import CATALOGUE_FILE, catalogue_folder
from drg.errors import TableError
from drg.payment.mechanisms.disease_table import DiseaseTable, load_diseases
from drg.payment.policy import Policy
from drg.payment.policy.read import SECTIONS
from drg.payment.weight_table import WeightTable, load_weight_table, load_weight_versions
from drg.schemes.folder import read_folder

__all__ = ["disease_table", "policy_digest", "weight_tables"]

#: Names beside the numbers; they decide nothing.
_TITLES = {"bed_day": {"__all__": {"title_zh", "title_en"}}}


def weight_tables(policy: Policy) -> tuple[WeightTable, ...]:
    """Every table that ``drg.weights`` names; of a place all its versions.

    Raises
    ------
    TableError
        T170-T184: no such table, or it is broken.
    """
    found: list[WeightTable] = []
    for name in policy.drg.weights if policy.drg else ():
        try:
            found.append(load_weight_table(name))
        except TableError as error:
            if error.code != "T170":
                raise
            found += load_weight_versions(name)
    return tuple(found)


def disease_table(policy: Policy) -> DiseaseTable | None:
    """The per-disease standards of a policy; None where it has none.

    Raises
    ------
    TableError
        P410-P419: the table is broken.
    """
    if policy.per_disease is None or policy.per_disease.table is None:
        return None
    return load_diseases(Path(policy.folder, policy.per_disease.table))


def _catalogue(named: str) -> str:
    """A DIP catalogue's id and tables, wherever it lies; its name where it is not at hand."""
    path = catalogue_folder(named) if named else None
    if path is None:
        return named
    folder = read_folder(path, CATALOGUE_FILE)
    tables = [folder.entries[n].sha256 for n in ("groups", "auxiliary") if n in folder.entries]
    return " ".join([str(folder.header.get("id", path.name)), *tables])


def policy_digest(
    policy: Policy, tables: Sequence[WeightTable], diseases: DiseaseTable | None
) -> str:
    """SHA-256 over all that decides a payment: dates, insurances, numbers, choices, tables.

    Titles, notes and documents do not count, nor does where a file lies.
    """
    said = policy.model_dump(
        mode="json", include={"in_force", "insurances", *SECTIONS}, exclude=_TITLES
    )
    if policy.per_disease is not None and diseases is not None:
        said["per_disease"]["table"] = diseases.digest
    if policy.drg is not None:
        said["drg"]["weights"] = [table.digest for table in tables]
    if policy.dip is not None:
        said["dip"]["catalogue"] = _catalogue(policy.dip.catalogue)
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
