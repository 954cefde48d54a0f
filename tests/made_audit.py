"""Small frames for audit tests: claims and charges as texts, judged by one rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from drg.audit.engine import Audit, AuditResult
from drg.audit.kinds import KINDS
from drg.audit.model import Level, Rule, RuleSet
from drg.claims.items import type_items
from drg.claims.profiles import ClaimColumns
from drg.claims.typed import ClaimArrays

__all__ = ["claims_of", "found", "judged", "results"]


def claims_of(rows: Sequence[Mapping[str, Any]]) -> tuple[pl.DataFrame, ClaimColumns]:
    """Claims with canonical columns; codes joined by ``|``."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    frame = pl.DataFrame(
        {name: [row.get(name) for row in rows] for name in names}, strict=False
    ).with_columns(pl.lit("J18.900").alias("diagnoses") if "diagnoses" not in names else [])
    results = {"group", "adrg", "severity", "outcome", "weight", "diagnoses", "procedures"}
    scalars = {name: name for name in names if name not in results}
    procedures = ("procedures",) if "procedures" in names else ()
    columns = ClaimColumns(scalars, ("diagnoses",), True, procedures, bool(procedures))
    return frame, columns


def judged(
    kind: str,
    params: Mapping[str, Any],
    claims: Sequence[Mapping[str, Any]],
    items: Sequence[Mapping[str, Any]] | None = None,
    *,
    lang: str = "en",
    batch: int = 10**6,
    reference: tuple[pl.DataFrame, ClaimColumns] | None = None,
) -> AuditResult:
    """Claims judged by one rule of a kind; every claim not assessable is listed."""
    words = {
        f"{part}_{name}": "x"
        for part in ("title", "what", "why", "mend", "example")
        for name in ("zh", "en")
    }
    checked = dict(KINDS[kind].params.model_validate(dict(params)))
    rule = Rule(
        id="A999", kind=kind, level=Level.REVIEW, params=checked, source="S", status="derived",
        **words,
    )  # fmt: skip
    rules = RuleSet(id="t", title_zh="", title_en="", rules=(rule,), sources=(), digest="")
    frame, columns = claims_of(claims)
    table = None if items is None else type_items(pl.DataFrame(items))
    audit = Audit(rules, lang=lang, every=True, reference=reference)
    for start in range(0, frame.height, batch):
        part = frame[start : start + batch]
        ids = ClaimArrays(part, columns).ids
        audit.add(part, columns, items=None if table is None else table.of(ids))
    return audit.finish()


def results(result: AuditResult, count: int) -> str:
    """One letter a claim: H hit, ? not assessable, . pass."""
    letters = ["."] * count
    for row in result.findings.iter_rows(named=True):
        letters[row["row"] - 1] = {"hit": "H", "not_assessable": "?"}[row["result"]]
    return "".join(letters)


def found(result: AuditResult) -> list[tuple[int, int | None, str]]:
    """Row, amount and evidence of each finding."""
    return result.findings.select("row", "amount_fen", "evidence").rows()
