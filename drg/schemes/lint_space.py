"""What can be said of the claims that reach a row, without any claim: sets of claims.

A ``Cases`` object stands for at least every claim that fulfils the conditions put on it. It may
stand for more, never for fewer: an empty one proves that there is no such claim.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from drg.schemes import rules
from drg.schemes.classes import ABSENT, FIRST_CLASS, CodeClasses, plain
from drg.schemes.rules import (
    Atom,
    Codes,
    Compare,
    Count,
    OneOf,
    Rule,
    Severity,
    State,
    TraumaSites,
)
from drg.schemes.scheme import Scheme
from drg.schemes.truth import Bools, Field, Literal, scalar_atoms

_NO_LIMIT = 10**9
#: Bit of a level in the classes' severity; a code may have both.
_LEVELS = {"CC": 1, "MCC": 2}
_PRINCIPAL = tuple(rules.PRINCIPAL_FIELDS)


class Space:
    """The conditions a scheme's rules can tell claims apart by.

    Attributes
    ----------
    sides : dict of {"dx", "px"} to CodeClasses
        Codes that no rule tells apart share a class.
    sizes : dict of {"dx", "px"} to array of int
        Codes in each class.
    fields : dict of str to Field
        Scalar fields, cut at the values that rules compare with.
    """

    def __init__(self, scheme: Scheme) -> None:
        every = [
            *(row.rule for row in scheme.mdcs),
            *(row.rule for row in scheme.adrgs),
            *(row.rule for row in scheme.drgs),
            *(row.rule for row in scheme.checks),
        ]
        tests = [test for rule in every for test in rules.code_tests(rule)]
        self.sides = {
            kind: CodeClasses(scheme, kind, [t for t in tests if t.kind == kind])
            for kind in ("dx", "px")
        }
        self.sizes = {
            kind: np.bincount(side.class_of_code + FIRST_CLASS, minlength=side.size)
            for kind, side in self.sides.items()
        }
        extra = self.sides["dx"].extra
        self.level, self.table, self.excluding, self.site = (extra[:, n] for n in range(4))
        self.fields = self._fields(every)
        self.everything = {k: np.ones(s.size, np.bool_) for k, s in self.sides.items()}
        self.everything |= {name: _every_value(field) for name, field in self.fields.items()}
        self.none = {k: np.zeros(s.size, np.bool_) for k, s in self.sides.items()}
        #: Whether a code that repeats the principal one is no further code.
        self.once = scheme.flags.repeated_principal == "once"
        self._members: dict[Codes, Bools] = {}
        self._masks: dict[tuple[Atom, bool, bool], tuple[str, Bools] | None] = {}

    def _fields(self, every: Sequence[Rule]) -> dict[str, Field]:
        atoms = [atom for rule in every for atom in scalar_atoms(rule)]
        choices: dict[str, tuple[str, ...]] = {
            name: tuple(
                sorted({v for a in atoms if isinstance(a, OneOf) and a.field == name
                        for v in a.values})
            )
            for name in rules.CHOICE_FIELDS
        }  # fmt: skip
        choices["sex"] = rules.SEXES
        used = dict.fromkeys(atom.field for atom in atoms)
        return {name: Field(name, atoms, choices.get(name, ())) for name in used}

    def members(self, test: Codes) -> Bools:
        """Which classes of its kind a code test looks for, shape (classes,)."""
        key = plain(test)
        found = self._members.get(key)
        if found is None:
            found = self._members[key] = self.sides[test.kind].members(key)
        return found

    def mask(self, atom: Atom, sign: bool, certain: bool) -> tuple[str, Bools] | None:
        """Codes or values for which an atom is true (``sign``) or false, where it alone decides.

        Parameters
        ----------
        atom : Atom
        sign : bool
        certain : bool
            Otherwise those for which it is unknown count too.

        Returns
        -------
        (place, mask) or None
            Key and mask of ``Cases.masks``; None for an atom about further codes.
        """
        key = atom, sign, certain
        if key not in self._masks:
            self._masks[key] = self._mask(atom, sign, certain)
        return self._masks[key]

    def _mask(self, atom: Atom, sign: bool, certain: bool) -> tuple[str, Bools] | None:
        place = place_of(atom)
        if not place:
            return None
        view = self.sides.get(place) or self.fields[place]
        low, high = view.atom(atom)
        return place, np.asarray((low if certain else high) if sign
                                 else np.logical_not(high if certain else low))  # fmt: skip

    def codes_of(self, kind: str, classes: Bools) -> NDArray[np.int64]:
        """Places of the codes of these classes in ``sides[kind].codes``."""
        return np.flatnonzero(classes[self.sides[kind].class_of_code + FIRST_CLASS])


class Cases:
    """Claims under conditions; ``possible`` is false only when there is none.

    Parameters
    ----------
    space : Space
        What the scheme tells apart.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        #: Classes the principal diagnosis (``dx``) and procedure (``px``) may be of, and the
        #: values each scalar field may have. Masks are replaced, never changed.
        self.masks = dict(space.everything)
        #: Classes no further diagnosis or procedure may be of.
        self.barred = dict(space.none)
        self.wanted: tuple[Codes, ...] = ()
        #: Counted set -> least and most codes of it.
        self.counts: dict[Codes, tuple[int, int]] = {}
        self.sites = (0, _NO_LIMIT)
        self.with_level: frozenset[str] = frozenset()
        self.without_level: frozenset[str] = frozenset()
        self.possible = True

    def also(self, literals: Iterable[Literal]) -> Cases:
        """Those of these claims for which every literal is true (its atom, or not its atom)."""
        found = self._copy()
        for atom, sign in literals:
            found._require(atom, sign, True)
        found._settle()
        return found

    def denying(self, literals: Sequence[Literal], certain: bool) -> Cases:
        """Those for which literals of one principal code or scalar field are not all true.

        Parameters
        ----------
        literals : sequence of (atom, sign)
            One literal; or several that all ask for the same principal code or scalar field.
        certain : bool
            Their "and" must be false; otherwise it may also be unknown.
        """
        found = self._copy()
        if len(literals) == 1:
            atom, sign = literals[0]
            found._require(atom, not sign, certain)
        else:
            failing = [self.space.mask(atom, not sign, certain) for atom, sign in literals]
            masks = [mask for _, mask in filter(None, failing)]
            found._narrow(place_of(literals[0][0]), np.logical_or.reduce(masks))
        found._settle()
        return found

    def may_fail(self, literal: Literal, certain: bool) -> bool:
        """Whether some of these claims may not fulfil a literal; false is a proof."""
        atom, sign = literal
        if failing := self.space.mask(atom, not sign, certain):
            place, mask = failing
            return bool((self.masks[place] & mask).any())
        if isinstance(atom, Codes) and sign and not self._asks_for_more(atom.kind):
            # Barring codes shuts out the principal ones at most.
            if atom.position == "secondary":
                return True
            return bool((self.masks[atom.kind] & ~self.space.members(atom)).any())
        return self.denying([literal], certain).possible

    def _asks_for_more(self, kind: str) -> bool:
        """Whether a condition asks for further codes of this kind."""
        if any(test.kind == kind for test in (*self.wanted, *self.counts)):
            return True
        return kind == "dx" and (bool(self.with_level) or self.sites[0] > 0)

    def nothing(self) -> Cases:
        """None of these claims."""
        found = self._copy()
        found.possible = False
        return found

    def _copy(self) -> Cases:
        found = Cases.__new__(Cases)
        found.__dict__.update(self.__dict__)
        found.masks = dict(self.masks)
        found.barred = dict(self.barred)
        found.counts = dict(self.counts)
        return found

    # ---- conditions

    def _require(self, atom: Atom, sign: bool, certain: bool) -> None:
        """Ask that an atom is true (``sign``) or false, or unknown unless ``certain``."""
        if found := self.space.mask(atom, sign, certain):
            self._narrow(*found)
            return
        match atom:
            case Codes(position, kind, _, _) if sign:
                self.wanted = (*self.wanted, atom)
            case Codes(position, kind, _, _):
                members = self.space.members(atom)
                if position == "any":
                    self._narrow(kind, ~members)
                self.barred[kind] = self.barred[kind] | members
            case Severity(level):
                if sign:
                    self.with_level |= {level}
                else:
                    self.without_level |= {level}
            case Count(codes, op, value):
                self._bound_count(plain(codes), _range(op, value, sign))
            case TraumaSites(op, value):
                least, most = _range(op, value, sign)
                self.sites = (max(self.sites[0], least), min(self.sites[1], most))
                if self.sites[1] == 0:
                    self._bar("dx", self.space.site > 0)

    def _bound_count(self, codes: Codes, bounds: tuple[int, int]) -> None:
        least, most = self.counts.get(codes, (0, _NO_LIMIT))
        bounds = max(least, bounds[0]), min(most, bounds[1])
        self.counts[codes] = bounds
        if bounds[1] == 0:
            self._bar(codes.kind, self.space.members(codes))

    def _narrow(self, place: str, mask: Bools) -> None:
        left = self.masks[place] & mask
        self.masks[place] = left
        if not left.any():
            self.possible = False

    def _bar(self, kind: str, classes: Bools) -> None:
        self._narrow(kind, ~classes)
        self.barred[kind] = self.barred[kind] | classes

    # ---- consequences

    def _settle(self) -> None:
        """Drop principal codes that leave a wanted further code impossible."""
        for test in self.wanted:
            kind, members = test.kind, self.space.members(test)
            fits = self._further(kind, members & ~self.barred[kind])
            if test.position == "any":
                fits = fits | members
            self._narrow(kind, fits)
        for codes, (least, most) in self.counts.items():
            self._narrow(codes.kind, self._counted(codes, least, most))
        for level in self.with_level:
            self._narrow("dx", self._with_level(level))
        if self.sites != (0, _NO_LIMIT):
            self._narrow("dx", self._with_sites(*self.sites))

    def _further(self, kind: str, available: Bools) -> Bools:
        """Principal classes beside which a further code of the available classes may stand."""
        space = self.space
        if not available.any():
            return np.zeros_like(available)
        if kind == "px":
            fits = np.ones_like(available)
            fits[ABSENT] = False
        else:
            void = np.zeros_like(available)
            for level in self.without_level:
                void |= space.level & _LEVELS[level] > 0
            if (available & ~void).any():
                fits = np.ones_like(available)
            else:
                # Allowed only where the principal diagnosis takes the level away.
                fits = np.isin(space.excluding, np.unique(space.table[available & void]))
        if space.once and np.count_nonzero(available) == 1:
            only = int(available.argmax())
            if space.sizes[kind][only] == 1:
                fits[only] = False
        return fits

    def _with_level(self, level: str) -> Bools:
        space = self.space
        available = (space.level & _LEVELS[level] > 0) & ~self.barred["dx"]
        if level in self.without_level or not available.any():
            return np.zeros_like(available)
        tables = np.unique(space.table[available])
        return space.excluding != tables[0] if len(tables) == 1 else np.ones_like(available)

    def _counted(self, codes: Codes, least: int, most: int) -> Bools:
        members, barred = self.space.members(codes), self.barred[codes.kind]
        if least > most or most < 0:
            return np.zeros_like(members)
        further = int(self.space.sizes[codes.kind][members & ~barred].sum())
        fits = further + (members & barred).astype(np.int64) >= least
        if codes.kind == "px":
            fits[ABSENT] = least <= 0
        return fits

    def _with_sites(self, least: int, most: int) -> Bools:
        site = self.space.site
        if least > most or most < 0:
            return np.zeros_like(site, np.bool_)
        open_sites = np.unique(site[(site > 0) & ~self.barred["dx"]])
        own = (site > 0) & ~np.isin(site, open_sites)
        return len(open_sites) + own.astype(np.int64) >= least


def place_of(atom: Atom) -> str:
    """What an atom alone decides on: ``dx``, ``px`` (principal codes), a field; else ``""``."""
    match atom:
        case Codes("principal", kind, _, _):
            return kind
        case State(field, _) if field in _PRINCIPAL:
            return field[-2:]
        case Compare(field, _, _) | OneOf(field, _) | State(field, _):
            return field
        case _:
            return ""


def _every_value(field: Field) -> Bools:
    """Missing, invalid and every interval; a sex that can be read is one of two."""
    found = np.ones(field.size, np.bool_)
    if field.name == "sex" and len(field.bounds):
        found[2:] = [sample in (1, 2) for sample in field.samples]
    return found


def _range(op: str, value: int, sign: bool) -> tuple[int, int]:
    """Least and most of a number that compares so, or does not."""
    ranges = {
        "<": ((0, value - 1), (value, _NO_LIMIT)),
        "<=": ((0, value), (value + 1, _NO_LIMIT)),
        "=": ((value, value), (1, _NO_LIMIT) if value == 0 else (0, _NO_LIMIT)),
        ">=": ((value, _NO_LIMIT), (0, value - 1)),
        ">": ((value + 1, _NO_LIMIT), (0, value)),
    }
    return ranges[op][not sign]
