"""Scheme -> Compiled: the flat arrays the kernel runs, and the names its numbers stand for.

Three ideas (grouper_core/program.pxd has the layout): codes that no rule tells apart share a
class; every MDC door and ADRG rule is one row of a single ordered list, so the first row that
holds decides; what the principal codes and the scalars say about all rows at once is a bit mask,
and only what masks cannot say is left to terms over literals.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from drg.errors import TableError
from drg.schemes import rules
from drg.schemes.classes import UNKNOWN, CodeClasses, plain
from drg.schemes.compiled import Compiled
from drg.schemes.decision import ALWAYS, DOOR, DecisionList
from drg.schemes.rules import (
    Codes,
    Count,
    OneOf,
    State,
    TraumaSites,
)
from drg.schemes.scheme import Scheme
from drg.schemes.spelling import lookup_arrays
from drg.schemes.truth import Bools, Field, Term, View, key_of, kleene, scalar_atoms

Bits = NDArray[np.uint64]

OUTCOMES = ("GROUPED", "AMBIGUOUS", "UNGROUPABLE", "REJECTED", "NOT_IN_FORCE")
#: Most combinations of door fields that are tabulated.
MAX_CONTEXTS = 512
#: What the kernel holds (grouper_core/program.pxd).
MAX_WORDS, MAX_ROW_WORDS, MAX_COUNTERS, MAX_CLASSES, MAX_LEAVES = 8, 64, 32, 65_535, 65_535
_FLAG_LITERALS, _FLAG_COUNTERS, _FLAG_SEVERITY, _FLAG_UNKNOWN = 1, 2, 4, 8
_SIDES = ("dx", "px")


def compile_scheme(scheme: Scheme) -> Compiled:
    """Compile a scheme.

    Raises
    ------
    TableError
        T119 a rule with too many alternatives, T124 more rows, literals or classes than the
        kernel holds.
    """
    return _Compiler(scheme).run()


class _Compiler:
    def __init__(self, scheme: Scheme) -> None:
        self.scheme = scheme
        self.decisions = DecisionList(scheme)
        self.rows = self.decisions.rows
        self.literals = self.decisions.literals
        self.checks = self.decisions.checks
        self.leaves = self.decisions.leaves
        self.reasons = self.decisions.reasons

    def run(self) -> Compiled:
        rows, scheme = self.rows, self.scheme
        tests = [test for rule in self.decisions.every_rule() for test in rules.code_tests(rule)]
        sides = {
            kind: CodeClasses(scheme, kind, [t for t in tests if t.kind == kind]) for kind in _SIDES
        }
        fields = self._fields()
        self.words = max(1, (len(self.literals) + 63) // 64)
        self.row_words = (len(rows) + 63) // 64
        self._limit("leaves", len(self.leaves), MAX_LEAVES)
        self._limit("literals", self.words, MAX_WORDS)
        self._limit("rows", self.row_words, MAX_ROW_WORDS)
        for kind, side in sides.items():
            self._limit(f"{kind} classes", side.size, MAX_CLASSES)
        arrays: dict[str, NDArray[np.generic]] = {}
        for kind, side in sides.items():
            arrays |= {
                f"{kind}_{name}": array
                for name, array in lookup_arrays(
                    side.codes.to_list(), side.class_of_code, scheme.crosswalks.get(kind)
                ).items()
            }
            arrays[f"{kind}_rows"] = _words(self._allowed(side)).ravel()
            arrays |= self._literal_masks(side)
        severity = sides["dx"].extra.astype(np.uint32)
        arrays["severity"] = np.ascontiguousarray(severity[:, 0] << 16 | severity[:, 1])
        arrays["exclusion"] = np.ascontiguousarray(sides["dx"].extra[:, 2])
        arrays |= self._counting(sides)
        for kind in _SIDES:
            arrays[f"{kind}_flags"] = self._flags(arrays, kind)
        for n, column in enumerate(fields):
            arrays |= self._field_arrays(n, column)
        arrays |= self._contexts(fields[: self.n_context])
        arrays |= self._keys()
        arrays |= self._decisions()
        settings: dict[str, object] = {
            "words": self.words,
            "n_rows": len(rows),
            "normalise": int(scheme.flags.normalise_codes),
            "unmatched_self": int(scheme.flags.unmatched_adrg == "self"),
            "retry": int(scheme.flags.retry_other_procedures),
            "repeats": int(scheme.flags.repeated_principal == "secondary"),
            "reject_missing": int(scheme.flags.missing_value == "reject"),
            "field_columns": list(range(len(fields))),
            "n_context": self.n_context,
            "n_slots": self.n_slots,
            "n_sites": self.n_sites,
            "n_stops": len(self.checks["stop"]),
            "rejected_leaf": self.decisions.rejected,
            "ungroupable_leaf": self.decisions.ungroupable,
            "reason_unknown_principal": self.reasons["U201"],
            "reason_missing": self.reasons["E130"],
            "reason_unknown_dx": self.reasons["N401"],
            "reason_unknown_px": self.reasons["N402"],
            "reason_normalised": self.reasons["N403"],
            "mcc_literal": 0,
            "cc_literal": 1,
        }
        return Compiled(
            scheme.id,
            scheme.digest,
            scheme.compat,
            {name: _frozen(array) for name, array in arrays.items()},
            settings,
            tuple(self.leaves),
            tuple(self.reasons),
            tuple(f.name for f in fields),
            {f.name: f.choices for f in fields if f.choices},
            {kind: crosswalk.twins for kind, crosswalk in scheme.crosswalks.items()},
        )

    def _limit(self, what: str, found: int, limit: int) -> None:
        if found > limit:
            raise TableError("T124", where=self.scheme.where, what=what, found=found, limit=limit)

    def _fields(self) -> list[Field]:
        atoms = [a for rule in self.decisions.every_rule() for a in scalar_atoms(rule)]
        used = {a.field for a in atoms}
        choices: dict[str, tuple[str, ...]] = {"sex": rules.SEXES}
        for name in rules.CHOICE_FIELDS[1:]:
            values = {
                v for a in atoms if isinstance(a, OneOf) and a.field == name for v in a.values
            }
            choices[name] = tuple(sorted(values))
        fields = [Field(n, atoms, choices.get(n, ())) for n in rules.SCALAR_FIELDS if n in used]
        # Fields that MDC doors ask for go first and are looked up together, as far as that fits.
        doors = {a.field for mdc in self.scheme.mdcs for a in scalar_atoms(mdc.rule)}
        fields.sort(key=lambda f: (f.name not in doors, f.size))
        self.n_context, contexts = 0, 1
        for column in fields:
            contexts *= column.size
            if column.name not in doors or contexts > MAX_CONTEXTS:
                break
            self.n_context += 1
        return fields

    def _allowed(self, view: View) -> Bools:
        """Rows a view does not rule out, shape (view size, 64 row words)."""
        allowed = np.zeros((view.size, self.row_words * 64), np.bool_)
        for n, row in enumerate(self.rows):
            allowed[:, n] = kleene(row.rule, view)[1]
        return allowed

    def _literal_masks(self, side: CodeClasses) -> dict[str, NDArray[np.generic]]:
        """Literals each class fulfils, and which of them count at which position."""
        size = self.words * 64
        fulfils = np.zeros((side.size, size), np.bool_)
        principal, secondary = np.zeros((1, size), np.bool_), np.zeros((1, size), np.bool_)
        for atom, bit in self.literals.items():
            if isinstance(atom, Codes) and atom.kind == side.kind:
                fulfils[:, bit] = side.members(atom)
                principal[0, bit] = atom.position != "secondary"
                secondary[0, bit] = atom.position != "principal"
            elif isinstance(atom, State) and atom.field == f"principal_{side.kind}":
                fulfils[:, bit] = side.atom(atom)[0]
                principal[0, bit] = True
            elif atom == ALWAYS:
                fulfils[:, bit] = principal[0, bit] = True
        return {
            f"{side.kind}_literals": _words(fulfils).ravel(),
            f"{side.kind}_principal": _words(principal).ravel(),
            f"{side.kind}_secondary": _words(secondary).ravel(),
        }

    def _counting(self, sides: Mapping[str, CodeClasses]) -> dict[str, NDArray[np.generic]]:
        """Counting slots: one a trauma site, then one a counted set."""
        counted = {a for a in self.literals if isinstance(a, Count)}
        sites = sides["dx"].sites if any(isinstance(a, TraumaSites) for a in self.literals) else []
        self.n_sites = len(sites)
        slot = {
            test: len(sites) + n
            for n, test in enumerate(dict.fromkeys(plain(a.codes) for a in counted))
        }
        self.n_slots = len(sites) + len(slot)
        self._limit("counting slots", self.n_slots, MAX_COUNTERS)
        arrays: dict[str, NDArray[np.generic]] = {}
        for kind, side in sides.items():
            feeds: list[list[int]] = [[] for _ in range(side.size)]
            if kind == "dx" and sites:
                for c, site in enumerate(side.extra[:, 3]):
                    feeds[c] += [int(site) - 1] if site else []
            for test, n in slot.items():
                if test.kind == kind:
                    for c in np.flatnonzero(side.members(test)).tolist():
                        feeds[c].append(n)
            arrays[f"{kind}_counter_start"] = np.cumsum([0, *map(len, feeds)]).astype(np.uint32)
            arrays[f"{kind}_counters"] = np.array([n for f in feeds for n in f], np.uint16)
        table = []
        for atom, bit in self.literals.items():
            if isinstance(atom, Count):
                table.append(
                    (slot[plain(atom.codes)], rules.OPERATORS.index(atom.op), atom.value, bit)
                )
            elif isinstance(atom, TraumaSites):
                table.append((-1, rules.OPERATORS.index(atom.op), atom.value, bit))
        arrays["counter_table"] = np.array(table, np.int32).ravel()
        zero = np.zeros((1, self.words * 64), np.bool_)
        for _, op, value, bit in table:
            zero[0, bit] = rules.compare(0, rules.OPERATORS[op], value)
        arrays["counter_zero"] = _words(zero).ravel()
        return arrays

    def _flags(self, arrays: Mapping[str, NDArray[np.generic]], kind: str) -> NDArray[np.uint8]:
        """What a further code of each class can bring: most classes bring nothing."""
        literals = arrays[f"{kind}_literals"].astype(np.uint64).reshape(-1, self.words)
        starts = arrays[f"{kind}_counter_start"].astype(np.int64)
        flags = np.zeros(len(literals), np.uint8)
        flags[(literals & arrays[f"{kind}_secondary"].astype(np.uint64)).any(axis=1)] |= (
            _FLAG_LITERALS
        )
        flags[np.diff(starts) > 0] |= _FLAG_COUNTERS
        if kind == "dx":
            flags[arrays["severity"].astype(np.uint32) != 0] |= _FLAG_SEVERITY
        flags[UNKNOWN] |= _FLAG_UNKNOWN
        return flags

    def _scalar_bits(self, column: Field) -> tuple[Bools, Bools]:
        """Literals each interval of a field fulfils, and those it leaves open."""
        holds = np.zeros((column.size, self.words * 64), np.bool_)
        unknown = np.zeros_like(holds)
        for atom, bit in self.literals.items():
            if getattr(atom, "field", None) == column.name:
                low, high = column.atom(atom)
                holds[:, bit] = low
                unknown[:, bit] = np.logical_and(high, np.logical_not(low))
        return holds, unknown

    def _field_arrays(self, n: int, column: Field) -> dict[str, NDArray[np.generic]]:
        holds, unknown = self._scalar_bits(column)
        return {
            f"field{n}_bounds": column.bounds,
            f"field{n}_true": _words(holds).ravel(),
            f"field{n}_unknown": _words(unknown).ravel(),
        }

    def _contexts(self, fields: Sequence[Field]) -> dict[str, NDArray[np.generic]]:
        """Literals and rows for every combination of the context fields' intervals."""
        holds = np.zeros((1, self.words * 64), np.bool_)
        unknown = np.zeros((1, self.words * 64), np.bool_)
        rows = np.ones((1, self.row_words * 64), np.bool_)
        for column in fields:
            more, open_bits = self._scalar_bits(column)
            allowed = self._allowed(column)
            holds = (holds[:, None] | more[None]).reshape(-1, holds.shape[1])
            unknown = (unknown[:, None] | open_bits[None]).reshape(-1, unknown.shape[1])
            rows = (rows[:, None] & allowed[None]).reshape(-1, rows.shape[1])
        return {
            "context_true": _words(holds).ravel(),
            "context_unknown": _words(unknown).ravel(),
            "context_rows": _words(rows).ravel(),
        }

    def _keys(self) -> dict[str, NDArray[np.generic]]:
        """Rows that need one of a few code literals, by literal; the others are always open."""
        by_literal = np.zeros((self.words * 64, self.row_words * 64), np.bool_)
        open_rows = np.zeros((1, self.row_words * 64), np.bool_)
        for n, row in enumerate(self.rows):
            keys = [key_of(term) for term in row.terms]
            if any(key is None for key in keys):
                open_rows[0, n] = True
            else:
                by_literal[[self.literals[key] for key in keys if key is not None], n] = True
        return {
            "key_rows": _words(by_literal).ravel(),
            "key_literals": _words(by_literal.any(axis=1).reshape(1, -1)).ravel(),
            "open_rows": _words(open_rows).ravel(),
        }

    def _decisions(self) -> dict[str, NDArray[np.generic]]:
        terms: list[Term] = []

        def ranges(groups: Iterable[list[Term]]) -> NDArray[np.uint32]:
            ends = [len(terms)]
            for group in groups:
                terms.extend(group)
                ends.append(len(terms))
            return np.array(ends, np.uint32)

        rows = self.rows
        tests = [test for row in rows for test in row.tests]
        ends = np.cumsum([0, *(len(row.tests) for row in rows)]).astype(np.uint32)
        checks = self.checks["stop"] + self.checks["note"]
        for check, _ in checks:
            self.decisions.reason(check)
        flags = np.zeros((2, self.row_words * 64), np.bool_)
        flags[0, : len(rows)] = [row.exact for row in rows]
        flags[1, : len(rows)] = [row.kind != DOOR for row in rows]
        exact, fast = _words(flags)
        arrays: dict[str, NDArray[np.generic]] = {
            "exact_rows": exact,
            "fast_rows": fast,
            "row_kind": np.array([row.kind for row in rows], np.uint8),
            "row_leaf": np.array([row.leaf for row in rows], np.uint16),
            "row_tests": np.stack([ends[:-1], ends[1:]], axis=1).ravel(),
            "row_terms": ranges(row.terms for row in rows),
            "test_leaf": np.array([leaf for _, leaf in tests], np.uint16),
            "test_terms": ranges(group for group, _ in tests),
            "check_terms": ranges(group for _, group in checks),
            "check_reason": np.array([self.reasons[check] for check, _ in checks], np.uint16),
            "leaf_outcome": np.array([OUTCOMES.index(x.outcome) for x in self.leaves], np.uint8),
            "leaf_reason": np.array([self.reasons[x.reason or ""] for x in self.leaves], np.uint16),
        }
        size = self.words * 64
        yes, no = np.zeros((len(terms), size), np.bool_), np.zeros((len(terms), size), np.bool_)
        for t, term in enumerate(terms):
            for atom, wanted in term:
                (yes if wanted else no)[t, self.literals[atom]] = True
        arrays["term_true"], arrays["term_false"] = _words(yes).ravel(), _words(no).ravel()
        watch = np.zeros((1, size), np.bool_)
        for _, group in checks:
            for term in group:
                watch[0, self._watched(term)] = True
        arrays["check_filter"] = _words(watch).ravel()
        return arrays

    def _watched(self, term: Term) -> int:
        """The literal of a check's term that is likeliest false."""
        wanted = [atom for atom, sign in term if sign] or [ALWAYS]
        rare = (Codes, Count, TraumaSites)
        wanted.sort(
            key=lambda a: (
                not isinstance(a, rare),
                getattr(a, "op", "") != "=",
                not isinstance(a, State),
            )
        )
        return self.literals[wanted[0]]


def _words(bits: Bools) -> Bits:
    """Booleans of shape (n, 64 k) as little-endian words of shape (n, k)."""
    return np.packbits(bits, axis=1, bitorder="little").view("<u8").astype(np.uint64)


def _frozen(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """The array contiguous and read-only: the kernel trusts it from now on."""
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array
