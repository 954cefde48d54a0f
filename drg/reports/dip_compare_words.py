"""What a comparison of two DIP catalogues shows: lines for the terminal, words of the workbook."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl

from drg.dip.explain_words import type_words
from drg.money import PLACES, round_scaled, unscaled
from drg.reports.words import count
from drg.text import aligned, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drg.dip.compare import CatalogueComparison, Pair
    from drg.dip.compare_claims import ClaimComparison

__all__ = ["compare_lines", "sheet_about", "sheet_heads", "sheet_title", "worded"]

#: Lines of a list on the terminal.
_SHOWN = 12
#: Bounds of the classes of shifts.
_BOUNDS = tuple(map(Fraction, ("-0.5", "-0.2", "-0.1", "-0.05", "0.05", "0.1", "0.2", "0.5", "1")))
_CLASSES = ("class_a", "class_b", "type_a", "type_b")


def say(key: str, lang: str | None = None, /, **params: object) -> str:
    """Wording of the part ``dip_compare`` of dip.toml."""
    return text(f"dip.dip_compare.{key}", lang, **params)


def compare_lines(
    comparison: CatalogueComparison, claims: ClaimComparison | None, lang: str | None = None
) -> list[str]:
    """Groups, scores and claims of two catalogues, for the terminal."""
    lines = aligned(_facts(comparison, claims, lang))
    lines += ["", say("spread_title", lang), *_spread(comparison, lang)]
    if moved := comparison.moves(_SHOWN):
        lines += ["", say("moves_title", lang), *_moves(moved, comparison)]
    if claims is not None:
        lines += ["", say("classes_title", lang), *_classes(claims, lang)]
        if claims.moved().height:
            lines += ["", say("claims_title", lang), *_claim_moves(claims, lang)]
        lines += ["", say("hospitals_title", lang), *_hospitals(claims, lang)]
    return lines


def sheet_title(name: str, lang: str) -> str:
    """Title of a sheet."""
    return say(f"sheet_{name}", lang)


def sheet_about(name: str, lang: str) -> str:
    """The line under a sheet's title."""
    return say(f"about_{name}", lang)


def sheet_heads(columns: Sequence[str], lang: str) -> dict[str, str]:
    """Headings of columns."""
    return {column: say(f"col_{column}", lang) for column in columns}


def worded(frame: pl.DataFrame, lang: str) -> pl.DataFrame:
    """Classes in words."""
    for column in set(_CLASSES) & set(frame.columns):
        codes = frame[column].unique().drop_nulls().to_list()
        words = {code: class_words(code, lang) for code in codes}
        frame = frame.with_columns(pl.col(column).replace(words))
    return frame


def class_words(code: str | None, lang: str | None = None) -> str:
    """``core.surgery`` in words; a reason as its code."""
    if code is None:
        return "—"
    return type_words(code, lang) if "." in code else code


def _facts(
    comparison: CatalogueComparison, claims: ClaimComparison | None, lang: str | None
) -> list[tuple[str, str]]:
    counts = comparison.counts()
    rows = []
    for side, found in (("a", comparison.a), ("b", comparison.b)):
        title = found.title_zh if lang != "en" else found.title_en
        digest = f" ({found.digest[:12]})" if found.digest else ""
        rows.append((say(f"side_{side}", lang), f"{found.id} {title}{digest}"))
    for kind in ("groups", "subtypes"):
        both, a, b = (count(counts[f"{kind}_{w}"]) for w in ("both", "a", "b"))
        rows.append((say(kind, lang), say("where", lang, both=both, a=a, b=b)))
    rows.append((say("median", lang), _percent(comparison.median)))
    if claims is not None:
        total = claims.claims
        rows.append((say("claims", lang), count(total)))
        for side in ("a", "b"):
            n = claims.grouped(side)
            rows.append((say(f"covered_{side}", lang), f"{count(n)} ({_share(n, total)})"))
        moved = int(claims.moved()["claims"].sum())
        rows.append((say("moved", lang), f"{count(moved)} ({_share(moved, total)})"))
        for side in ("a", "b"):
            score = int(claims.groups[f"score_{side}"].sum())
            rows.append((say(f"score_{side}", lang), _four(score)))
    return rows


def _spread(comparison: CatalogueComparison, lang: str | None) -> list[str]:
    counts = comparison.spread(_BOUNDS)
    total = sum(counts)
    names = [say("below", lang, bound=_percent(_BOUNDS[0]))]
    names += [f"{_percent(low)} ~ {_percent(high)}" for low, high in pairwise(_BOUNDS)]
    names.append(say("above", lang, bound=_percent(_BOUNDS[-1])))
    rows = [(name, count(n), _share(n, total)) for name, n in zip(names, counts, strict=True) if n]
    return _indented(rows) or [f"  {say('none', lang)}"]


def _moves(moved: Sequence[Pair], comparison: CatalogueComparison) -> list[str]:
    rows = [
        (pair.code, f"{_four(pair.score_a or 0)} → {_four(pair.score_b or 0)}",
         _percent(pair.shift), _percent(comparison.relative(pair)))
        for pair in moved
    ]  # fmt: skip
    return _indented(rows, right=(1, 2, 3))


def _classes(claims: ClaimComparison, lang: str | None) -> list[str]:
    rows = [
        (f"{class_words(a, lang)} → {class_words(b, lang)}", count(n), count(moved))
        for a, b, n, moved in claims.classes().head(_SHOWN).iter_rows()
    ]
    heads = (say("col_classes", lang), say("col_claims", lang), say("col_moved", lang))
    return _indented([heads, *rows])


def _claim_moves(claims: ClaimComparison, lang: str | None) -> list[str]:
    rows = [
        (f"{row['group_a'] or row['class_a']} → {row['group_b'] or row['class_b']}",
         count(row["claims"]))
        for row in claims.moved().head(_SHOWN).iter_rows(named=True)
    ]  # fmt: skip
    return _indented(rows, right=(1,))


def _hospitals(claims: ClaimComparison, lang: str | None) -> list[str]:
    frame = claims.hospitals.sort("claims", "hospital_id", descending=[True, False])
    heads = tuple(say(f"col_{c}", lang) for c in ("hospital_id", "claims", "score_a", "score_b"))
    rows = [
        (row["hospital_id"] or say("no_hospital", lang), count(row["claims"]),
         _four(row["score_a"]), _four(row["score_b"]), _percent(_ratio(row)))
        for row in frame.head(_SHOWN).iter_rows(named=True)
    ]  # fmt: skip
    return _indented([(*heads, say("col_shift", lang)), *rows], right=(1, 2, 3, 4))


def _ratio(row: dict[str, int]) -> Fraction | None:
    return Fraction(row["score_b"], row["score_a"]) - 1 if row["score_a"] else None


def _indented(rows: Sequence[Sequence[str]], right: Sequence[int] = (1, 2)) -> list[str]:
    return [f"  {line}" for line in aligned(rows, right=right)] if rows else []


def _percent(value: Fraction | None) -> str:
    if value is None:
        return "—"
    shown = unscaled(round_scaled(value * 100, 2), 2)
    return f"{shown}%" if shown.startswith("-") else f"+{shown}%"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2%}" if whole else "—"


def _four(scaled: int) -> str:
    whole, _, rest = unscaled(scaled, PLACES).partition(".")
    return f"{int(whole):,}.{rest}"
