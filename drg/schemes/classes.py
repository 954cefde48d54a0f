"""Codes that no rule tells apart share a class; a scheme's hot tables are by class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from drg.schemes.rules import Atom, Codes, State
from drg.schemes.scheme import Scheme
from drg.schemes.truth import Bools, View

#: Classes of an empty entry and of an unknown code; listed codes come after.
ABSENT, UNKNOWN, FIRST_CLASS = 0, 1, 2
_LEVEL_BITS = {"CC": 1, "MCC": 2, "MCC+CC": 3}


class CodeClasses(View):
    """One kind of code: its ids, its classes, and which class is in which set."""

    def __init__(self, scheme: Scheme, kind: str, tests: Sequence[Codes]) -> None:
        self.kind = kind
        self.scheme = scheme
        self.codes = scheme.known_codes(kind)
        self.tests = {test: n for n, test in enumerate(dict.fromkeys(plain(t) for t in tests))}
        member = self._members()
        extra = self._severity() if kind == "dx" else np.zeros((len(self.codes), 0), np.uint16)
        # A first row of zeros, so that a kind no rule tests has a signature too.
        packed = np.packbits(
            np.vstack([np.zeros((1, len(self.codes)), np.bool_), member]), axis=0
        ).T
        signature = np.ascontiguousarray(
            np.hstack([packed, extra.view(np.uint8).reshape(len(self.codes), -1)])
        )
        keys = signature.view(np.dtype((np.void, signature.shape[1]))).ravel()
        _, first, self.class_of_code = np.unique(keys, return_index=True, return_inverse=True)
        self.size = len(first) + FIRST_CLASS
        blank = np.zeros((len(self.tests), FIRST_CLASS), np.bool_)
        self.member = np.hstack([blank, member[:, first]])
        self.extra = np.vstack([np.zeros((FIRST_CLASS, extra.shape[1]), np.uint16), extra[first]])

    def _members(self) -> Bools:
        """Set membership, shape (tests, codes)."""
        member = np.zeros((len(self.tests), len(self.codes)), np.bool_)
        place = pl.DataFrame(
            {"code": self.codes, "at": np.arange(len(self.codes), dtype=np.uint32)}
        )
        names = {test.name: n for test, n in self.tests.items() if test.name}
        listed = pl.DataFrame(
            {"set": list(names), "test": list(names.values())},
            schema={"set": pl.String, "test": pl.UInt32},
        )
        rows = self.scheme.set_rows.filter(pl.col("kind") == self.kind)
        found = rows.join(listed, on="set").join(place, on="code").select("test", "at")
        member[found["test"].to_numpy(), found["at"].to_numpy()] = True
        for test, n in self.tests.items():
            for code in test.codes:
                prefix = code.endswith(".*")
                hits = self.codes.str.starts_with(code[:-1]) if prefix else self.codes == code
                member[n] |= hits.to_numpy()
        return member

    def _severity(self) -> NDArray[np.uint16]:
        """Columns: level (1 CC + 2 MCC), its exclusion table, table as principal, trauma site."""
        levels = self.scheme.table("severity")
        principal = self.scheme.table("exclusion")
        tables = pl.concat([levels["exclusion_table"], principal["exclusion_table"]]).unique(
            maintain_order=True
        )
        number = pl.DataFrame(
            {"exclusion_table": tables, "n": np.arange(1, len(tables) + 1, dtype=np.uint16)}
        )
        sites = pl.DataFrame(
            {"code": list(self.scheme.trauma_site), "name": list(self.scheme.trauma_site.values())},
            schema={"code": pl.String, "name": pl.String},
        )
        self.sites = sites["name"].unique().sort().to_list()
        all_codes = pl.DataFrame({"code": self.codes})
        frame = (
            all_codes.join(
                levels.join(number, on="exclusion_table").select(
                    "code",
                    pl.col("level").replace_strict(_LEVEL_BITS, return_dtype=pl.Int32),
                    "n",
                ),
                on="code",
                how="left",
                maintain_order="left",
            )
            .join(
                principal.join(number, on="exclusion_table").select(
                    pl.col("principal_diagnosis").alias("code"), pl.col("n").alias("as_principal")
                ),
                on="code",
                how="left",
                maintain_order="left",
            )
            .join(
                sites.select(
                    "code",
                    site=pl.col("name").replace_strict(
                        self.sites, range(1, len(self.sites) + 1), return_dtype=pl.UInt16
                    ),
                )
                if self.sites
                else sites.select("code", site=pl.lit(0, pl.UInt16)),
                on="code",
                how="left",
                maintain_order="left",
            )
        )
        return (
            frame.select(pl.col("level", "n", "as_principal", "site").fill_null(0).cast(pl.UInt16))
            .to_numpy()
            .copy(order="C")
        )

    def atom(self, atom: Atom) -> tuple[Bools | bool, Bools | bool]:
        if isinstance(atom, Codes) and atom.position == "principal" and atom.kind == self.kind:
            member = self.members(atom)
            return member, member
        if isinstance(atom, State) and atom.field == f"principal_{self.kind}":
            is_it = np.arange(self.size) == (ABSENT if atom.state == "missing" else UNKNOWN)
            return is_it, is_it
        return False, True

    def members(self, test: Codes) -> Bools:
        """Which classes a code test holds for, shape (classes,)."""
        found: Bools = self.member[self.tests[plain(test)]]
        return found


def plain(test: Codes) -> Codes:
    """The test without its position: membership does not depend on it."""
    return Codes("any", test.kind, test.name, test.codes)
