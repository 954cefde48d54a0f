"""What the weights of a run come to, told in lines: totals, CMI, what has no weight or rate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drg.money import PLACES, mul_div, unscaled, yuan
from drg.text import aligned, language, text

if TYPE_CHECKING:
    from drg.payment.weight_kinds import WeightTotals
    from drg.payment.weights import Weights

__all__ = ["WeightSummary", "grouped_digits", "table_lines"]

#: Statuses of dates that some document gives.
_FROM_DOCUMENT = ("official", "transcribed")
#: Groups without a weight that a summary names.
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class WeightSummary:
    """Weights of one run.

    Attributes
    ----------
    weights : Weights
        The tables that were used.
    totals : WeightTotals
    """

    weights: Weights
    totals: WeightTotals

    @property
    def cmi(self) -> int | None:
        """Case-mix index, scaled 10⁴: total weight by claims with a weight, half up."""
        totals = self.totals
        return mul_div(totals.weight, 1, totals.cases) if totals.cases else None

    def rows(self, lang: str | None = None) -> list[tuple[str, str]]:
        """Label and value of each figure, for the summary."""
        totals, tables = self.totals, self.weights.tables
        named = ", ".join(f"{table.id} ({table.digest[:12]})" for table in tables)
        if self.weights.by_date:
            named = text("weights.by_date", lang, tables=named)
        rows = [(text("weights.tables", lang), named)]

        def add(key: str, value: str) -> None:
            rows.append((f"  {text(f'weights.{key}', lang)}", value))

        add("cases", f"{totals.cases:,}")
        if self.weights.by_date:
            rows += [(f"    {t.id}", f"{totals.tables[t.id]:,}") for t in tables]
        add("total", grouped_digits(unscaled(totals.weight)))
        add("cmi", "—" if self.cmi is None else unscaled(self.cmi, PLACES))
        if totals.priced:
            amount, cases = grouped_digits(yuan(totals.standard_fen)), f"{totals.priced:,}"
            add("standard", text("weights.standard_of", lang, yuan=amount, cases=cases))
        if totals.unweighted:
            count = f"{totals.unweighted.total():,}"
            groups = self._unweighted(lang)
            add("no_weight", text("weights.no_weight_of", lang, count=count, groups=groups))
        for key, code, number in (
            ("no_insurance", "N421", totals.no_insurance),
            ("no_rate", "N422", totals.no_rate),
            ("no_table", "N423", totals.no_table),
        ):
            if number:
                add(key, text("weights.coded", lang, count=f"{number:,}", code=code))
        return rows

    def notes(self, schemes: Iterable[str], lang: str | None = None) -> list[str]:
        """What to know before the figures are used: one line each.

        Parameters
        ----------
        schemes : iterable of str
            Schemes by which the run grouped.
        lang : {"zh", "en"}, optional
            Language; the context's when omitted.
        """
        totals, lines = self.totals, []
        used = list(schemes)
        tables = [table for table in self.weights.tables if totals.tables[table.id]]
        for table in tables:
            if table.scheme and table.scheme not in used:
                found = ", ".join(used)
                lines.append(
                    text("weights.other_scheme", lang, table=table.id, wanted=table.scheme,
                         found=found)
                )  # fmt: skip
            elif table.scheme == "":
                note = table.scheme_note[lang or language()]
                lines.append(text("weights.unknown_scheme", lang, table=table.id, note=note))
        if self.weights.by_date:
            assumed = [t.id for t in tables if t.in_force_status not in _FROM_DOCUMENT]
            if assumed:
                lines.append(text("weights.dates_assumed", lang, tables=", ".join(assumed)))
        if totals.without_rates:
            bare = ", ".join(t.id for t in tables if not t.rates)
            count = f"{totals.without_rates:,}"
            lines.append(text("weights.without_rates", lang, tables=bare, count=count))
        if totals.lent_level:
            levels = {r.hospital_level for t in tables for r in t.rates} - {""}
            level, count = ", ".join(sorted(levels)), f"{totals.lent_level:,}"
            lines.append(text("weights.lent_level", lang, count=count, level=level))
        return lines

    def _unweighted(self, lang: str | None) -> str:
        most = sorted(self.totals.unweighted.items(), key=lambda item: (-item[1], item[0]))
        shown = ", ".join(f"{group} {count:,}" for group, count in most[:_SHOWN])
        if len(most) <= _SHOWN:
            return shown
        return text("weights.more_groups", lang, groups=shown, count=len(most))


def table_lines(lang: str | None = None) -> list[str]:
    """One line a shipped table: id, place, in force, weights, rates, whose groups, title."""
    from drg.payment.weight_table import list_weight_tables

    heads = ("id", "place", "in_force", "weighted", "rates", "scheme", "title")
    rows = [tuple(text(f"cli.head_{head}", lang) for head in heads)]
    for table in list_weight_tables():
        status = text(f"explain.dates_{table.in_force_status or 'unknown'}", lang)
        rates = [
            f"{rate.insurance} {grouped_digits(yuan(rate.fen))}"
            + (f" ({rate.hospital_level})" if rate.hospital_level else "")
            for rate in table.rates
        ]
        title = table.title_zh if (lang or language()) == "zh" else table.title_en
        rows.append(
            (
                table.id,
                table.place or "—",
                f"{table.in_force} {status}",
                str(len(table.weights)),
                "; ".join(rates) or "—",
                table.scheme or "—",
                title,
            )
        )
    return aligned(rows, right=(3,))


def grouped_digits(number: str) -> str:
    """A decimal text with thousands marks: ``1,234.50``."""
    whole, point, decimals = number.partition(".")
    return f"{int(whole):,}{point}{decimals}" if int(whole) else number
