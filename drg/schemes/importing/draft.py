"""A scheme as a source tells it: rows with their place in the source, nothing settled yet."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class MdcDraft:
    """A row of mdc.csv, its rule as written; ``row`` and ``file`` (or sheet) are where it stood."""

    row: int
    order: int
    mdc: str
    name: str
    rule: str
    file: str = ""


@dataclass(slots=True)
class AdrgDraft:
    """A row of adrg.csv.

    ``rule_no`` is the source's own text. ``falls_through``: the rule holds but no DRG test does,
    and the search goes on with the next ADRG; otherwise the bare ADRG code is the answer.
    """

    row: int
    mdc: str
    order: int
    adrg: str
    rule_no: str
    name: str
    kind: str
    rule: str
    falls_through: bool
    reason: str = ""
    file: str = ""


@dataclass(slots=True)
class DrgDraft:
    """A row of drg.csv; blank ``rule_no``: for the ADRG rules without rows of their own."""

    row: int
    adrg: str
    rule_no: str
    order: int
    drg: str
    name: str
    rule: str
    file: str = ""


@dataclass(slots=True)
class SchemeDraft:
    """Everything a source says of a scheme, cleaned but not yet in our form.

    Attributes
    ----------
    id, title : str
        As the source has them.
    files : dict of str to str
        Table name -> file or sheet, for findings.
    mdc_diagnosis : list of (row, mdc, code, site)
    code_set : list of (row, set, kind, code)
    severity : list of (row, code, level, exclusion table)
    exclusion : list of (row, principal diagnosis, exclusion table)
    valid_procedure : list of (row, code, name)
    grey_code : list of (row, kind, code)
    flags : dict
        Flags of scheme.toml.
    blank_is_zero : frozenset of str
        Number fields whose absence the source's rules read as 0.
    two_valued : bool
        A comparison with a missing value is false, under ``not`` too; else it is unknown.
    checks : list of (check, level, rule)
    adopted : set of str
        Tables that were taken from the base, whole.
    """

    id: str
    title: str
    files: dict[str, str] = field(default_factory=dict)
    mdc: list[MdcDraft] = field(default_factory=list)
    adrg: list[AdrgDraft] = field(default_factory=list)
    drg: list[DrgDraft] = field(default_factory=list)
    mdc_diagnosis: list[tuple[int, str, str, str]] = field(default_factory=list)
    code_set: list[tuple[int, str, str, str]] = field(default_factory=list)
    severity: list[tuple[int, str, str, str]] = field(default_factory=list)
    exclusion: list[tuple[int, str, str]] = field(default_factory=list)
    valid_procedure: list[tuple[int, str, str]] = field(default_factory=list)
    grey_code: list[tuple[int, str, str]] = field(default_factory=list)
    flags: dict[str, object] = field(default_factory=dict)
    blank_is_zero: frozenset[str] = frozenset()
    two_valued: bool = False
    checks: list[tuple[str, str, str]] = field(default_factory=list)
    adopted: set[str] = field(default_factory=set)

    def file(self, table: str) -> str:
        """The file or sheet a table was read from."""
        return self.files.get(table, f"{table}.csv")

    def at(self, table: str, row: MdcDraft | AdrgDraft | DrgDraft) -> tuple[str, int]:
        """File or sheet, and row, that a row of a table was read from."""
        return row.file or self.file(table), row.row
