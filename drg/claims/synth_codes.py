"""Codes that made-up claims may carry: known ones with their likelihood, and pools of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from drg.claims.synth_tables import Parameters, shares_of

Ids = npt.NDArray[np.int32]


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
        liked = dict(parameters.procedure.select("prefix", "preference").iter_rows())
        lengths = lengths_of(liked)
        self.procedure = np.array(
            [longest_prefix(c, liked, lengths, 0) for c in self.px], dtype=np.float64
        )
        noise = settings["noise"] * -np.log(-np.log(shares_of(self.px)))
        self.as_procedure = np.log(self.procedure + 0.4) + noise
        self.sex = np.array([{"M": 1, "F": 2}.get(f[2], 0) for f in found], dtype=np.int8)
        self.age_low = np.array([f[3] for f in found], dtype=np.int16)
        self.age_high = np.array([f[4] for f in found], dtype=np.int16)

    def diagnoses(self, codes: Collection[str], principal: bool = True) -> Ids:
        """Ids of the known ones among the codes, the preferred first."""
        rank = self.as_principal if principal else self.as_secondary
        ids = np.sort(np.array([self.dx_id[c] for c in codes if c in self.dx_id], dtype=np.int32))
        return ids[np.argsort(-rank[ids], kind="stable")]

    def procedures(self, codes: Collection[str]) -> Ids:
        """Ids of the known ones among the codes, the preferred first."""
        ids = np.sort(np.array([self.px_id[c] for c in codes if c in self.px_id], dtype=np.int32))
        return ids[np.argsort(-self.as_procedure[ids - len(self.dx)], kind="stable")]


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
