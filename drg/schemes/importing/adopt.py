"""Tables that a source lacks: taken from the base, or not needed, or an error."""

from __future__ import annotations

from collections.abc import Iterable

from drg.errors import TableError
from drg.schemes.importing.draft import SchemeDraft
from drg.schemes.importing.report import ImportReport
from drg.schemes.importing.rule_text import read_rule
from drg.schemes.rules import Rule, Severity, code_tests, iter_atoms
from drg.schemes.scheme import Scheme

LISTS = ("mdc_diagnosis", "code_set", "severity", "exclusion", "valid_procedure")


def complete(
    draft: SchemeDraft,
    lacking: Iterable[str],
    base: Scheme | None,
    report: ImportReport,
    where: str,
) -> None:
    """Fill in the lists a draft lacks.

    Parameters
    ----------
    draft : SchemeDraft
        Changed in place.
    lacking : iterable of str
        Names of ``LISTS`` that the source has no table of.
    base : Scheme or None
    report : ImportReport
    where : str
        The source, for an error.

    Raises
    ------
    TableError
        T142: without the table some rule of the draft means something else, and there is no base.
    """
    lacking = [name for name in LISTS if name in set(lacking)]
    if base is None:
        needed = _needed(draft)
        for name in lacking:
            if name in needed:
                raise TableError("T142", where=where, table=f"{name}.csv")
        return
    for name in lacking:
        adopt(draft, name, base)
        report.add("from_base", draft.file(name), base=base.id, count=base.table(name).height)


def adopt(draft: SchemeDraft, name: str, base: Scheme) -> None:
    """Take one list of the base, whole."""
    rows = [(0, *row) for row in base.table(name).iter_rows()]
    setattr(draft, name, rows)
    draft.adopted.add(name)


def _needed(draft: SchemeDraft) -> set[str]:
    """The lists that some rule of the draft asks for."""
    needed: set[str] = set()
    for rule in rules_of(draft):
        if any(isinstance(atom, Severity) for atom in iter_atoms(rule)):
            needed |= {"severity", "exclusion"}
        for test in code_tests(rule):
            if test.name == "VALID":
                needed.add("valid_procedure")
            elif test.name:
                needed.add("mdc_diagnosis" if test.name.startswith("MDC") else "code_set")
    return needed


def rules_of(draft: SchemeDraft) -> list[Rule]:
    """Every rule of the draft that can be read, each text once."""
    texts = dict.fromkeys(row.rule for rows in (draft.mdc, draft.adrg, draft.drg) for row in rows)
    return [rule for rule, _ in map(read_rule, texts) if rule is not None]
