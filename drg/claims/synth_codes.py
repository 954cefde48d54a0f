"""Codes that made-up claims may carry: known ones with their likelihood, and pools of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from drg.claims.synth_tables import Bools, Parameters, shares_of

Ids = npt.NDArray[np.int32]


class Fits(NamedTuple):
    """Whom a code fits, by code id; the last entry, at -1, is no code and fits everybody."""

    sex: npt.NDArray[np.int8]
    age_low: npt.NDArray[np.int16]
    age_high: npt.NDArray[np.int16]
    first_days: Bools  # newborns only
    never_principal: Bools  # unless a group asks for it

    def patient(self, code: Ids, age: Any, sex: Any, young: Bools) -> Bools:
        """Whether a patient of this age and sex, in the first days of life or not, may have it."""
        own = self.sex[code]
        fits: Bools = (age >= self.age_low[code]) & (age <= self.age_high[code])
        fits &= (own == 0) | (own == sex)
        fits &= young | ~self.first_days[code]
        return fits


class CodeLists(Protocol):
    """The codes that claims may carry."""

    @property
    def known_dx(self) -> frozenset[str]: ...
    @property
    def known_px(self) -> frozenset[str]: ...


class Pools:
    """Ordered code lists, the likely codes first; equal lists are kept once."""

    def __init__(self) -> None:
        self._lists: list[Ids] = []
        self._places: dict[bytes, int] = {}

    def add(self, ids: Ids) -> int:
        """Number of the pool with these ids; -1 for none at all."""
        if not len(ids):
            return -1
        key = ids.tobytes()
        if key not in self._places:
            self._places[key] = len(self._lists)
            self._lists.append(ids)
        return self._places[key]

    def without(self, masks: Sequence[Bools]) -> npt.NDArray[np.int64]:
        """By mask of code ids and pool: the pool of its members outside; -1 where there are none.

        Pools that a mask touches get a further pool, behind the others.
        """
        lists = list(self._lists)
        flat, offset, _ = self.flat()
        made = np.tile(np.arange(len(lists), dtype=np.int64), (len(masks), 1))
        for row, mask in zip(made, masks, strict=True):
            touched = np.flatnonzero(np.logical_or.reduceat(mask[flat], offset))
            row[touched] = [self.add(lists[n][~mask[lists[n]]]) for n in touched.tolist()]
        return made

    def flat(self) -> tuple[Ids, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """All pools end to end, their offsets and their sizes."""
        sizes = np.array([len(ids) for ids in self._lists], dtype=np.int64)
        return np.concatenate(self._lists), np.cumsum(sizes) - sizes, sizes


class Codes:
    """Known codes as ids (diagnoses first, both sorted) with what the parameters say of them."""

    def __init__(self, scheme: CodeLists, parameters: Parameters) -> None:
        self.dx = sorted(scheme.known_dx)
        self.px = sorted(scheme.known_px)
        self.dx_id = {code: n for n, code in enumerate(self.dx)}
        self.px_id = {code: n + len(self.dx) for n, code in enumerate(self.px)}
        rows = {r[0]: r[1:] for r in parameters.diagnosis.iter_rows()}
        nothing = (0, 0, None, 0, 150, "")
        lengths = lengths_of(rows)
        found = [longest_prefix(code, rows, lengths, nothing) for code in self.dx]
        settings = parameters.settings["diagnoses"]
        usual = np.array([_usual(code, settings) for code in self.dx])
        noise = settings["noise"] * -np.log(-np.log(shares_of(self.dx)))
        self.principal = np.array([f[0] for f in found], dtype=np.float64)
        self.secondary = np.array([f[1] for f in found], dtype=np.float64)
        #: Log preferences with fixed noise (Gumbel), so that like codes do not stand in a row.
        self.as_principal = np.log((self.principal + 0.4) * usual) + noise
        self.as_secondary = np.log((self.secondary + 0.4) * usual) + noise
        done = {r[0]: r[1:] for r in parameters.procedure.iter_rows()}
        lengths = lengths_of(done)
        known = [longest_prefix(code, done, lengths, nothing[1:]) for code in self.px]
        self.procedure = np.array([k[0] for k in known], dtype=np.float64)
        noise = settings["noise"] * -np.log(-np.log(shares_of(self.px)))
        self.as_procedure = np.log(self.procedure + 0.4) + noise
        fits = [f[2:5] for f in found] + [k[1:4] for k in known] + [nothing[2:5]]
        self.sex = np.array([{"M": 1, "F": 2}.get(f[0], 0) for f in fits], dtype=np.int8)
        self.age_low = np.array([f[1] for f in fits], dtype=np.int16)
        self.age_high = np.array([f[2] for f in fits], dtype=np.int16)
        self.first_days = self._starting(parameters.settings["newborn"]["only"])
        self.never_principal = self._starting(settings["never_principal"])
        self._rank = {
            "principal": self.as_principal,
            "secondary": self.as_secondary,
            "procedure": self.as_procedure,
        }
        self._kept: dict[tuple[frozenset[str], str], Ids] = {}

    def fits(self) -> Fits:
        """Whom each code fits."""
        return Fits(self.sex, self.age_low, self.age_high, self.first_days, self.never_principal)

    def without(self, pools: Pools) -> npt.NDArray[np.int64]:
        """Pools less what never stands first, less female codes, less male ones."""
        return pools.without((self.never_principal, self.sex == 2, self.sex == 1))

    def _starting(self, prefixes: Sequence[str]) -> Bools:
        dx = [code.startswith(tuple(prefixes)) for code in self.dx]
        return np.array(dx + [False] * (len(self.px) + 1), dtype=bool)

    def diagnoses(self, codes: Collection[str], principal: bool = True) -> Ids:
        """Ids of the known ones among the codes, the preferred first."""
        return self._ranked(frozenset(codes), "principal" if principal else "secondary")

    def procedures(self, codes: Collection[str]) -> Ids:
        """Ids of the known ones among the codes, the preferred first."""
        return self._ranked(frozenset(codes), "procedure")

    def _ranked(self, codes: frozenset[str], use: str) -> Ids:
        # Rules ask for the same sets over and over.
        if (codes, use) not in self._kept:
            place = self.px_id if use == "procedure" else self.dx_id
            first = len(self.dx) if use == "procedure" else 0
            ids = np.sort(np.array([place[c] for c in codes if c in place], dtype=np.int32))
            ids = ids[np.argsort(-self._rank[use][ids - first], kind="stable")]
            ids.flags.writeable = False
            self._kept[codes, use] = ids
        return self._kept[codes, use]


def needed_sex(
    told: npt.NDArray[np.int8],
    without: npt.NDArray[np.int64],
    principal: npt.NDArray[np.int64],
    procedures: npt.NDArray[np.int64],
) -> npt.NDArray[np.int8]:
    """Sex by plan: what its rule tells (0 for none), else that of a procedure that it needs.

    A procedure decides where its whole pool is of one sex and the principal's pool has that sex.
    """
    made = told.copy()
    for pool in procedures.T:
        for sex, other in ((1, 2), (2, 1)):
            only = (pool >= 0) & (without[sex, pool] >= 0) & (without[other, pool] < 0)
            made[(made == 0) & only & (without[sex, principal] >= 0)] = sex
    return made


def _usual(code: str, settings: Mapping[str, float]) -> float:
    if "+" in code:
        return settings["paired"]
    if code.endswith(".900"):
        return settings["unspecified"]
    return settings["extended"] if "x" in code[4:] else 1.0


def longest_prefix(code: str, rows: Mapping[str, Any], lengths: Sequence[int], default: Any) -> Any:
    """What the longest of the prefixes that a code begins with stands for."""
    for length in lengths:
        if code[:length] in rows:
            return rows[code[:length]]
    return default


def lengths_of(rows: Mapping[str, Any]) -> list[int]:
    """Lengths of prefixes, the longest first."""
    return sorted({len(prefix) for prefix in rows}, reverse=True)
