"""The decision list of a scheme: every MDC door and ADRG rule as one row, tried in order.

Here too: the leaves a decision can end in, the reasons it can give, and the literals that the
rows' rules are made of.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from drg.schemes.compiled import Leaf
from drg.schemes.rules import And, Atom, Codes, Const, Rule, Severity
from drg.schemes.scheme import AdrgRow, Scheme
from drg.schemes.truth import Term, by_mask, scalar_atoms, terms

#: Reasons the groupers give by themselves; checks and ambiguous rows bring their own.
KERNEL_REASONS = ("U201", "U202", "U203", "E130", "N401", "N402", "N403")
#: What a row is to the kernel (RowKind of grouper_core/program.pxd).
RULE, FINAL, DOOR, HOME = range(4)
MCC, CC, ALWAYS = Severity("MCC"), Severity("CC"), Const(True)


@dataclass
class Row:
    """One decision row before it becomes bits."""

    rule: Rule
    kind: int
    where: str
    leaf: int = 0
    tests: list[tuple[list[Term], int]] = field(default_factory=list)
    terms: list[Term] = field(default_factory=list)

    def reduce(self) -> None:
        """Terms left once the masks have spoken: of a single term, all but mask literals."""
        self.terms = terms(self.rule, self.where)
        if len(self.terms) == 1:
            self.terms = [tuple(lit for lit in self.terms[0] if not by_mask(lit[0]))]

    @property
    def exact(self) -> bool:
        return self.terms == [()]


class DecisionList:
    """Rows, leaves, reasons, checks and literals of a scheme, all numbered.

    Attributes
    ----------
    rows : list of Row
        In the order in which they are tried.
    leaves : dict of Leaf to int
    reasons : dict of str to int
        Number 0 is "no reason".
    checks : dict of {"stop", "note"} to list of (check id, terms)
    literals : dict of Atom to int
        Bit of every atom that terms mention.
    """

    def __init__(self, scheme: Scheme) -> None:
        self.scheme = scheme
        self.reasons: dict[str, int] = {"": 0}
        for reason in KERNEL_REASONS:
            self.reason(reason)
        self.leaves: dict[Leaf, int] = {}
        flags = scheme.flags
        self.rejected = self._leaf(Leaf(*flags.rejected_codes(), None, "REJECTED"))
        nowhere = flags.ungroupable_codes()
        self.ungroupable = self._leaf(Leaf(*nowhere, None, "UNGROUPABLE", "U202"))
        self.rows = self._rows()
        self.checks = {
            level: [(r.check, terms(r.rule, r.check)) for r in scheme.checks if r.level == level]
            for level in ("stop", "note")
        }
        self.literals: dict[Atom, int] = {MCC: 0, CC: 1, ALWAYS: 2}
        self._number_literals()

    def reason(self, reason: str) -> int:
        """Number of a reason, given now if it has none."""
        return self.reasons.setdefault(reason, len(self.reasons))

    def _leaf(self, leaf: Leaf) -> int:
        return self.leaves.setdefault(leaf, len(self.leaves))

    def _rows(self) -> list[Row]:
        """The decision list: doors, ADRG rules, and homes for what nothing fits."""
        scheme, rows = self.scheme, []
        by_mdc: dict[str, list[Row]] = {}
        for adrg in scheme.adrgs:
            by_mdc.setdefault(adrg.mdc, []).append(self._adrg_row(adrg))
        for mdc in scheme.mdcs:
            if any(scalar_atoms(mdc.rule)):
                rows.append(Row(mdc.rule, DOOR, mdc.mdc))
            for row in by_mdc.get(mdc.mdc, ()):
                row.rule = And((mdc.rule, row.rule))
                rows.append(row)
        listed = set(scheme.table("mdc_diagnosis")["mdc"])
        for mdc in reversed(scheme.mdcs):
            if mdc.mdc in listed:
                codes = scheme.flags.ungroupable_codes(mdc.mdc)
                leaf = self._leaf(Leaf(*codes, None, "UNGROUPABLE", "U203"))
                rows.append(
                    Row(And((mdc.rule, Codes("principal", "dx", mdc.mdc))), HOME, mdc.mdc, leaf)
                )
        for row in rows:
            row.reduce()
        return rows

    def _adrg_row(self, adrg: AdrgRow) -> Row:
        where = f"adrg.csv {adrg.adrg}/{adrg.rule_no}"
        mdc = f"MDC{adrg.adrg[0]}"
        if adrg.ambiguous:
            self.reason(adrg.reason)
            leaf = Leaf(mdc, adrg.adrg[1:], adrg.adrg, adrg.name, "AMBIGUOUS", adrg.reason or None)
            return Row(adrg.rule, FINAL, where, self._leaf(leaf))
        tests = []
        for drg in self.scheme.drgs_of(adrg):
            leaf = Leaf(f"MDC{drg.drg[0]}", adrg.adrg, drg.drg, drg.name, "GROUPED")
            tests.append((terms(drg.rule, f"drg.csv {drg.drg}"), self._leaf(leaf)))
        bare = self._leaf(Leaf(mdc, adrg.adrg, adrg.adrg, adrg.name, "GROUPED"))
        return Row(adrg.rule, RULE, where, bare, tests)

    def every_rule(self) -> list[Rule]:
        """Every rule of the scheme, doors and homes included."""
        scheme = self.scheme
        return [
            *(row.rule for row in self.rows),
            *(d.rule for d in scheme.drgs),
            *(c.rule for c in scheme.checks),
        ]

    def _number_literals(self) -> None:
        groups = [row.terms for row in self.rows]
        groups += [group for row in self.rows for group, _ in row.tests]
        groups += [group for level in self.checks.values() for _, group in level]
        for group in groups:
            for term in group:
                for atom, _ in term:
                    self.literals.setdefault(atom, len(self.literals))
