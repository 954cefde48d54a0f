"""What changed in the lists of codes: sets, MDC diagnoses, severity, exclusion, procedures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import polars as pl

from drg.schemes.diff_rules import Change
from drg.schemes.diff_sets import SetPair, code_changes, pair_tables, set_owners
from drg.schemes.scheme import VALID, Scheme

CHANGE_SCHEMA = dict.fromkeys(Change._fields, pl.String)
SET_SCHEMA = {
    "set": pl.String,
    "change": pl.String,
    "kind": pl.String,
    "mdc": pl.String,
    "adrg": pl.String,
    "before": pl.String,
    "codes_before": pl.Int64,
    "codes_after": pl.Int64,
    "added": pl.Int64,
    "removed": pl.Int64,
}


class CodeChanges:
    """Compares the code lists of two schemes; every frame has the columns of ``Change``.

    Parameters
    ----------
    before, after : Scheme
        Resolved schemes.
    pairs : sequence of SetPair
        Which set is which.
    """

    def __init__(self, before: Scheme, after: Scheme, pairs: Sequence[SetPair]) -> None:
        self.before = before
        self.after = after
        self.pairs = pairs
        self._tables = pair_tables(before, after)

    def frames(self) -> list[pl.DataFrame]:
        """Every change, table by table."""
        return [
            self._renamed_sets(),
            self._set_codes(),
            self._mdc_diagnoses(),
            *self._severities(),
            self._exclusions(),
            self._renumbered_tables(),
            *self._valid_procedures(),
            self._grey_codes(),
        ]

    # ---- sets

    @cached_property
    def sets(self) -> pl.DataFrame:
        """One row a set that changed; columns of ``SET_SCHEMA``."""
        counted = self._codes.group_by("pair", "added").len().rows()
        moved = {(pair, added): count for pair, added, count in counted}
        sizes = [
            dict(s.table("code_set")["set"].value_counts().iter_rows())
            for s in (self.before, self.after)
        ]
        rows = []
        for place, pair in enumerate(self.pairs):
            added, removed = moved.get((place, True), 0), moved.get((place, False), 0)
            if pair.before is None or pair.after is None:
                change = "added" if pair.before is None else "removed"
            elif pair.renamed:
                change = "renamed"
            elif added or removed:
                change = "changed"
            else:
                continue
            old, new = pair.before or "", pair.after or ""
            counts = sizes[0].get(old, 0), sizes[1].get(new, 0)
            owner = self._owners[pair.name]
            rows.append((pair.name, change, pair.kind, *owner, old, *counts, added, removed))
        return pl.DataFrame(rows, schema=SET_SCHEMA, orient="row")

    @cached_property
    def _codes(self) -> pl.DataFrame:
        return code_changes(self.before, self.after, self.pairs)

    @cached_property
    def _owners(self) -> dict[str, tuple[str, str]]:
        return set_owners(self.before, self.after)

    def _renamed_sets(self) -> pl.DataFrame:
        renamed = [
            Change("code_set", "renamed", *self._owners[p.name], p.name, "set", p.before, p.name)
            for p in self.pairs
            if p.before is not None and p.renamed
        ]
        return pl.DataFrame(renamed, schema=CHANGE_SCHEMA, orient="row")

    def _set_codes(self) -> pl.DataFrame:
        told = pl.DataFrame(
            {
                "pair": range(len(self.pairs)),
                "mdc": [self._owners[pair.name][0] for pair in self.pairs],
                "adrg": [self._owners[pair.name][1] for pair in self.pairs],
                "old": [pair.before or "" for pair in self.pairs],
                "new": [pair.after or "" for pair in self.pairs],
            },
            schema_overrides={"pair": pl.UInt32},
        )
        added, nothing = pl.col("added"), pl.lit("")
        rows = self._codes.join(told, on="pair", maintain_order="left").select(
            "pair",
            "kind",
            "mdc",
            "adrg",
            change=pl.when(added).then(pl.lit("added")).otherwise(pl.lit("removed")),
            key="code",
            column=pl.lit("set"),
            before=pl.when(added).then(nothing).otherwise("old"),
            after=pl.when(added).then("new").otherwise(nothing),
        )
        named = [
            self._named(rows.filter(pl.col("kind") == kind), kind, "code_set")
            for kind in ("dx", "px")
        ]
        return pl.concat(named)

    # ---- tables of one row a code

    def _mdc_diagnoses(self) -> pl.DataFrame:
        rows = self._both("mdc_diagnosis", ["mdc", "code"])
        old, new = pl.col("old_site"), pl.col("new_site")
        mdc, nothing = pl.col("mdc"), pl.lit("")
        there = _came_or_went(old, new)
        one_side = rows.filter(old.is_null() | new.is_null()).with_columns(
            change=there,
            column=pl.lit("mdc"),
            before=pl.when(old.is_null()).then(nothing).otherwise(mdc),
            after=pl.when(new.is_null()).then(nothing).otherwise(mdc),
        )
        site = rows.filter(old != new).with_columns(
            change=pl.lit("changed"), column=pl.lit("site"), before=old, after=new
        )
        joined = pl.concat([one_side, site]).sort("mdc", "key", maintain_order=True)
        return self._named(joined, "dx", "mdc_diagnosis")

    def _severities(self) -> list[pl.DataFrame]:
        """Changes of level first, then of the exclusion table alone."""
        rows = self._both("severity", ["code"])
        old, new = pl.col("old_level"), pl.col("new_level")
        level = rows.filter(~old.eq_missing(new)).with_columns(
            change=_came_or_went(old, new),
            column=pl.lit("level"),
            before=old.fill_null(""),
            after=new.fill_null(""),
        )
        return [self._named(part, "dx", "severity") for part in (level, self._other_table(rows))]

    def _renumbered_tables(self) -> pl.DataFrame:
        """Exclusion tables that only have another number."""
        renumbered = [
            Change("exclusion", "renamed", "", "", one, "exclusion_table", one, other)
            for one, other in sorted(self._tables.items(), key=lambda pair: _natural(pair[0]))
            if one != other
        ]
        return pl.DataFrame(renumbered, schema=CHANGE_SCHEMA, orient="row")

    def _exclusions(self) -> pl.DataFrame:
        rows = self._both("exclusion", ["principal_diagnosis"])
        old, new = pl.col("old_exclusion_table"), pl.col("new_exclusion_table")
        one_side = rows.filter(old.is_null() | new.is_null()).with_columns(
            change=_came_or_went(old, new),
            column=pl.lit("exclusion_table"),
            before=old.fill_null(""),
            after=new.fill_null(""),
        )
        joined = pl.concat([one_side, self._other_table(rows).select(one_side.columns)])
        return self._named(joined.sort("key"), "dx", "exclusion")

    def _other_table(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows of both schemes whose exclusion table is another one, not only renumbered."""
        old, new = pl.col("old_exclusion_table"), pl.col("new_exclusion_table")
        now = old.replace_strict(self._tables, default=None, return_dtype=pl.String)
        there = rows.filter(old.is_not_null() & new.is_not_null())
        return there.filter(~now.eq_missing(new)).with_columns(
            change=pl.lit("changed"), column=pl.lit("exclusion_table"), before=old, after=new
        )

    def _valid_procedures(self) -> list[pl.DataFrame]:
        rows = self._both("valid_procedure", ["code"])
        old, new = pl.col("old_name"), pl.col("new_name")
        nothing, valid = pl.lit(""), pl.lit(VALID)
        one_side = rows.filter(old.is_null() | new.is_null()).with_columns(
            change=_came_or_went(old, new),
            column=pl.lit("set"),
            before=pl.when(old.is_null()).then(nothing).otherwise(valid),
            after=pl.when(new.is_null()).then(nothing).otherwise(valid),
        )
        named = rows.filter(old != new).with_columns(
            change=pl.lit("changed"), column=pl.lit("name"), before=old, after=new
        )
        return [self._named(part, "px", "valid_procedure") for part in (one_side, named)]

    def _grey_codes(self) -> pl.DataFrame:
        grey = pl.col("set").str.starts_with("GREY.")
        sides = [s.set_rows.filter(grey) for s in (self.before, self.after)]
        gone = sides[0].join(sides[1], on=["set", "code"], how="anti")
        come = sides[1].join(sides[0], on=["set", "code"], how="anti")
        there, nothing = pl.col("set"), pl.lit("")
        rows = pl.concat(
            [
                gone.with_columns(change=pl.lit("removed"), before=there, after=nothing),
                come.with_columns(change=pl.lit("added"), before=nothing, after=there),
            ]
        )
        rows = rows.with_columns(column=pl.lit("set")).rename({"code": "key"}).sort("key")
        named = [
            self._named(rows.filter(pl.col("kind") == kind), kind, "grey_code")
            for kind in ("dx", "px")
        ]
        return pl.concat(named)

    # ---- shared

    def _both(self, table: str, key: list[str]) -> pl.DataFrame:
        """A table of both schemes side by side: its key, then ``old_…`` and ``new_…`` cells.

        The last column of the key is called ``key``; cells are null where a side lacks the row.
        """
        sides = [
            scheme.table(table).select(*key, pl.all().exclude(key).name.prefix(prefix))
            for scheme, prefix in ((self.before, "old_"), (self.after, "new_"))
        ]
        joined = sides[0].join(sides[1], on=key, how="full", coalesce=True).sort(key)
        return joined.rename({key[-1]: "key"})

    @cached_property
    def _names(self) -> dict[str, pl.DataFrame]:
        """By kind: code and Chinese name, the later scheme's wording first."""
        names = {
            "dx": dict(self.before.dx_names) | dict(self.after.dx_names),
            "px": dict(self.before.px_names) | dict(self.after.px_names),
        }
        schema = {"key": pl.String, "name": pl.String}
        return {
            kind: pl.DataFrame({"key": list(by), "name": list(by.values())}, schema=schema)
            for kind, by in names.items()
        }

    def _named(self, rows: pl.DataFrame, kind: str, table: str) -> pl.DataFrame:
        """Rows in the columns of ``Change``, each with the name of its code."""
        own = [c for c in CHANGE_SCHEMA if c in rows.columns]
        rows = rows.select(own).join(self._names[kind], on="key", how="left", maintain_order="left")
        rows = rows.with_columns(table=pl.lit(table))
        missing = [pl.lit("").alias(c) for c in CHANGE_SCHEMA if c not in rows.columns]
        return rows.with_columns(missing).select(pl.col(list(CHANGE_SCHEMA)).fill_null(""))


def _came_or_went(old: pl.Expr, new: pl.Expr) -> pl.Expr:
    return (
        pl.when(old.is_null())
        .then(pl.lit("added"))
        .when(new.is_null())
        .then(pl.lit("removed"))
        .otherwise(pl.lit("changed"))
    )


def _natural(number: str) -> tuple[int, str]:
    return len(number), number
