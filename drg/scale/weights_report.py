"""What ``drg weights`` writes and tells: weights, statistics of groups, what to look at.

The first sheet, and a CSV, is a table of weights as ``--weights`` reads it: a group without a
weight stands in it with an empty cell and the reason in ``note``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import polars as pl

from drg.claims.writers import output_suffix, write_frames, write_workbook
from drg.grouping.result import Outcome
from drg.money import PLACES, round_scaled, unscaled, yuan
from drg.payment.spread import root
from drg.scale.weight_words import grouped_digits
from drg.text import aligned, text

if TYPE_CHECKING:
    from drg.payment.history import GroupWeight
    from drg.scale.weights_file import WeightsRun

__all__ = ["groups_frame", "report_lines", "write_weights"]

_WEIGHT, _YUAN = pl.Decimal(18, PLACES), pl.Decimal(18, 2)
_SCHEMA = pl.Schema(
    {
        "group": pl.String(),
        "name": pl.String(),
        "weight": _WEIGHT,
        "cases": pl.Int64(),
        "kept": pl.Int64(),
        "mean_yuan": _YUAN,
        "sd_yuan": _YUAN,
        "cv": _WEIGHT,
        "cv_untrimmed": _WEIGHT,
        "computed_weight": _WEIGHT,
        "note": pl.String(),
    }
)
_ASIDE = (
    "no_cost", "bad_cost", "zero_cost", "negative_cost", "no_year", "other_year",
)  # fmt: skip
#: Lines of a list shown on the terminal.
_SHOWN = 10


def groups_frame(run: WeightsRun) -> pl.DataFrame:
    """One row a group, by group.

    Returns
    -------
    DataFrame
        ``weight`` (null: none, ``note`` says why), ``cases`` with a usable cost, ``kept`` by
        trimming, ``mean_yuan`` that the weight rests on, ``sd_yuan`` and ``cv`` of the cases kept
        (sample, n - 1), ``cv_untrimmed``, ``computed_weight`` before adjustment and whether or
        not the group gets one, ``note`` (``few_cases``, ``no_cases``, ``too_small``, ``adjusted``).
    """
    names = {row.drg: row.name for row in run.grouper.scheme.drgs}
    names = {row.adrg: row.name for row in run.grouper.scheme.adrgs} | names
    rows = [(g.group, names.get(g.group, ""), *_figures(g)) for g in run.study.groups]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def _figures(g: GroupWeight) -> tuple[object, ...]:
    variance = g.spread.variance
    return (
        None if g.rounded is None else Decimal(unscaled(g.rounded)),
        g.cases,
        g.spread.n,
        None if g.mean is None else Decimal(yuan(round_scaled(g.mean, 0))),
        None if variance is None else _half_up(root(variance) / 100, 2),
        None if g.spread.cv is None else _half_up(g.spread.cv, PLACES),
        None if g.whole.cv is None else _half_up(g.whole.cv, PLACES),
        None if g.computed is None else Decimal(unscaled(round_scaled(g.computed))),
        g.note or None,
    )


def _half_up(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def write_weights(run: WeightsRun, metadata: Mapping[str, str]) -> None:
    """Write the weights, and in a workbook what they rest on, all or nothing."""
    frame = groups_frame(run)
    if output_suffix(run.output) != ".xlsx":
        write_frames(run.output, frame, metadata=metadata)
        return
    sheets = {
        "weights": frame.filter(pl.col("weight").is_not_null()).select("group", "name", "weight"),
        "groups": frame,
        "unstable": frame.filter(pl.col("weight").is_null()),
        "inversions": _inversions_frame(run),
        "summary": pl.DataFrame(_figure_rows(run, None), schema=["figure", "value"], orient="row"),
    }
    with write_workbook(run.output, metadata) as book:
        for name, part in sheets.items():
            book.sheet(text(f"weights.sheet_{name}"), part.columns).append(part)


def _inversions_frame(run: WeightsRun) -> pl.DataFrame:
    schema = {
        "adrg": pl.String(),
        "severe": pl.String(),
        "severe_weight": _WEIGHT,
        "severe_cases": pl.Int64(),
        "light": pl.String(),
        "light_weight": _WEIGHT,
        "light_cases": pl.Int64(),
    }
    rows = [
        (i.adrg, *(cell for g in (i.severe, i.light) for cell in (g.group, _weight(g), g.cases)))
        for i in run.study.inversions
    ]
    return pl.DataFrame(rows, schema=schema, orient="row")


def _weight(g: GroupWeight) -> Decimal:
    return Decimal(unscaled(g.rounded or 0))


def report_lines(run: WeightsRun, lang: str | None = None) -> list[str]:
    """What ``drg weights`` ends with."""
    rows = _figure_rows(run, lang)
    rate = run.claims / run.seconds if run.seconds > 0 else 0.0
    speed = text("cli.sum_rate", lang, seconds=f"{run.seconds:.2f}", rate=f"{rate:,.0f}")
    rows += [(text("cli.sum_time", lang), speed), (text("cli.sum_out", lang), str(run.output))]
    return aligned(rows)


def _figure_rows(run: WeightsRun, lang: str | None) -> list[tuple[str, str]]:
    study = run.study
    rows: list[tuple[str, str]] = []

    def add(key: str, value: object, indent: str = "", **params: object) -> None:
        rows.append((indent + text(f"weights.{key}", lang, **params), str(value)))

    grouper = run.grouper
    scheme = f"{grouper.scheme_id} + {grouper.compat}" if grouper.compat else grouper.scheme_id
    rows.append((text("cli.sum_scheme", lang), f"{scheme} ({grouper.digest[:12]})"))
    rows.append((text("cli.sum_claims", lang), f"{run.claims:,}"))
    add("used", f"{study.cases:,}", "  ")
    rows += [
        ("  " + text(f"cli.sum_{outcome}", lang), f"{run.aside[outcome]:,}")
        for outcome in Outcome
        if run.aside.get(outcome)
    ]
    for why in _ASIDE:
        if count := run.aside.get(why):
            add(why, f"{count:,}", "  ")
    if run.rounded:
        add("parts_of_fen", f"{run.rounded:,}", "  ")
    if run.year_weights:
        add("years", ", ".join(f"{y}:{w}" for y, w in run.year_weights.items()))
    add("trimmed", _trimmed(run, lang))
    add("mean", text("weights.yuan", lang, yuan=grouped_digits(yuan(round_scaled(study.mean, 0)))))
    notes = [g.note for g in study.groups]
    add("groups", f"{len(study.weights):,}")
    for note in ("few_cases", "no_cases", "too_small"):
        if count := notes.count(note):
            add(note, f"{count:,}{_listed(g.group for g in study.groups if g.note == note)}",
                "  ", least=run.min_cases)  # fmt: skip
    add("total_weight", _four(study.before))
    add("total_published", f"{_four(study.after)} ({_signed(study.after - study.before)})", "  ")
    adjusted = [g.group for g in study.groups if g.adjusted]
    if adjusted:
        add("adjusted", f"{len(adjusted):,}{_listed(adjusted)}", "  ")
        add("scale", unscaled(round_scaled(study.scale, 6), 6), "  ")
    add("riv", _percent(study.riv))
    add("riv_untrimmed", _percent(study.riv_untrimmed), "  ")
    wide = [g.group for g in study.groups if g.spread.cv is not None and g.spread.cv > 1]
    add("wide", f"{len(wide):,}{_listed(wide)}")
    pairs = [f"{i.severe.group} {_weight(i.severe)} < {i.light.group} {_weight(i.light)}"
             for i in study.inversions]  # fmt: skip
    add("inversions", f"{len(pairs):,}{_listed(pairs)}")
    return rows


def _trimmed(run: WeightsRun, lang: str | None) -> str:
    study, trim = run.study, run.trim
    rule = text(f"weights.trim_{trim.kind}", lang)
    if trim.kind == "share":
        low, high = (_plain(100 * share) for share in (trim.low, trim.high))
        rule = text("weights.trim_share", lang, low=low, high=high)
    cut = study.cases - study.kept.n
    return text("weights.cut", lang, rule=rule, count=f"{cut:,}", share=f"{cut / study.cases:.2%}")


def _plain(value: Fraction) -> str:
    shown = unscaled(round_scaled(value, 6), 6)
    return shown.rstrip("0").rstrip(".")


def _four(value: Fraction) -> str:
    return grouped_digits(unscaled(round_scaled(value)))


def _signed(value: Fraction) -> str:
    shown = unscaled(round_scaled(value))
    return shown if shown.startswith("-") else f"+{shown}"


def _percent(value: Fraction | None) -> str:
    return "—" if value is None else f"{unscaled(round_scaled(100 * value, 2), 2)}%"


def _listed(items: Iterable[str]) -> str:
    """The first of some items in a line, after a colon."""
    all_items = list(items)
    if not all_items:
        return ""
    more = " …" if len(all_items) > _SHOWN else ""
    return f": {', '.join(all_items[:_SHOWN])}{more}"
