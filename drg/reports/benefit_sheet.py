"""The one-page settlement sheet (一单制) of a visit: every layer, how it was reckoned, whence.

Self-contained HTML for screen and A4. The same visit and plan give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import drg
from drg.benefits.model import Balance, Settled, Visit
from drg.benefits.terms import CARES
from drg.benefits.visit import settle_visit
from drg.claims.typed import ClaimArrays
from drg.reasons import reason_title
from drg.reports.benefit_numbers import Used, numbers_used, region_word
from drg.reports.benefit_steps import layer_title, step_words, terms_of
from drg.reports.documents import document_titles
from drg.reports.page import (
    Column,
    chart,
    figures,
    listed,
    notice,
    page,
    pair,
    save_page,
    section,
    table,
)
from drg.reports.statement import statement_files
from drg.reports.svg import Bar, bars
from drg.reports.words import insurance_word, money
from drg.text import language, text

if TYPE_CHECKING:
    from drg.benefits.batch import BenefitRun, OneVisit
    from drg.benefits.plan import Plan
    from drg.claims.profiles import ClaimColumns

__all__ = [
    "check_line",
    "cost_rows",
    "layer_rows",
    "sheet_page",
    "used_rows",
    "visit_facts",
    "write_sheet",
    "write_sheets",
]

#: Facts of a claim on the sheet, beside those of its visit.
_FACTS = (
    "claim_id", "patient_id", "hospital_id", "hospital_level", "admitted_on", "discharged_on",
)  # fmt: skip
_SUFFIX = ".html"
#: One sheet of A4: what the house's pages leave between things is too much for it.
_STYLE = """
.keys div { flex: 1 1 7rem; }
td:nth-child(3):not(.number) { white-space: nowrap; }
@media print {
  html { font-size: 10.5px; }
  body { padding: 0; line-height: 1.35; }
  h2 { margin: .8rem 0 .2rem; }
  .keys { margin: .5rem 0; gap: .4rem; }
  .keys div { padding: .2rem .4rem; }
  p { margin: .15rem 0; }
  svg { max-height: 32mm; }
}
"""


class Numbers(NamedTuple):
    """The table of a plan's numbers on a sheet, and whether some are recalled."""

    table: str
    recalled: bool


def write_sheets(
    folder: str | Path,
    plan: Plan,
    run: BenefitRun,
    columns: ClaimColumns,
    *,
    lang: str | None = None,
    look: Callable[[], None] | None = None,
) -> int:
    """Write a sheet for every visit of a run: ``<claim id>.html``.

    Parameters
    ----------
    folder : str or Path
        Exists.
    plan : Plan
    run : BenefitRun
        ``settle_frame``.
    columns : ClaimColumns
        Which columns of its frame feed which field.
    lang : {"zh", "en"}, optional
        Language; the context's when omitted.
    look : callable, optional
        Called before each sheet; may raise to end the work.

    Returns
    -------
    int
        Sheets written.

    Raises
    ------
    OSError
        The system refuses to write.
    """
    claims = ClaimArrays(run.frame, columns)
    ids = claims.ids.to_list()
    seen: set[str] = set()
    names = []
    for row, claim in enumerate(ids):
        name = f"{claim or 'row'}-{row + 1}" if claim is None or claim in seen else claim
        seen.add(name)
        names.append(name)
    files = statement_files(names, _SUFFIX)
    shown = [name for name in _FACTS if name in columns.scalars]
    facts = run.frame.select(columns.scalars[name] for name in shown)
    known: dict[tuple[str, ...], Numbers] = {}
    for row, name in enumerate(names):
        if look is not None:
            look()
        told = {
            key: str(value) for key, value in zip(shown, facts.row(row), strict=True)
            if value is not None
        }  # fmt: skip
        whole = sheet_page(plan, told, run.one(row), lang or language(), known)
        (Path(folder) / files[name]).write_text(whole, "utf-8", newline="\n")
    return len(names)


def write_sheet(
    path: str | Path,
    plan: Plan,
    facts: Mapping[str, str],
    one: OneVisit,
    *,
    lang: str | None = None,
) -> None:
    """Write the sheet of one visit.

    Parameters
    ----------
    path : str or Path
        Made or replaced, in one step.
    plan, facts, one, lang
        As for ``sheet_page``.

    Raises
    ------
    InputError
        F204, F209, F210: the system refuses to write.
    """
    whole = sheet_page(plan, facts, one, lang or language())
    save_page(path, whole)


def sheet_page(
    plan: Plan,
    facts: Mapping[str, str],
    one: OneVisit,
    lang: str,
    known: dict[tuple[str, ...], Numbers] | None = None,
) -> str:
    """The sheet as HTML.

    Parameters
    ----------
    plan : Plan
    facts : mapping of str to str
        Canonical fields of the claim; a field that is not in it is not reported.
    one : OneVisit
    lang : {"zh", "en"}
    known : dict, optional
        Keeps what many sheets share: the numbers of a plan, by the rows of it that hold.
    """
    settled = one.settled
    if settled.reason:
        why = f"{settled.reason} {reason_title(settled.reason, lang)}"
        parts = [
            notice(_say("unsettled", lang, reason=why), "bad"),
            figures(cost_rows(one.visit, settled, lang)),
            listed(_footer(plan, False, lang)),
        ]
    else:
        parts = _settled_parts(plan, one, lang, known)
    who = " · ".join(map(" ".join, visit_facts(plan, facts, one, lang)))
    title = _say("sheet_title", lang)
    return page(title, lang, [listed([who]), *parts], own_style=_STYLE)


def _settled_parts(
    plan: Plan, one: OneVisit, lang: str, known: dict[tuple[str, ...], Numbers] | None
) -> list[str]:
    settled = one.settled
    keys = [
        (_say("total", lang), money(settled.total)),
        (_say("eligible", lang), money(settled.eligible)),
        (_say("fund", lang), money(settled.fund)),
        (_say("patient", lang), money(settled.patient)),
    ]
    rows = terms_of(plan, one.visit).paths
    numbers = None if known is None else known.get(rows)
    if numbers is None:
        numbers = _numbers(plan, one, lang)
        if known is not None:
            known[rows] = numbers
    layers = _layer_table(plan, one, lang)
    return [
        figures(keys),
        listed([_scope(one.visit, settled, lang)]),
        section(_say("layers", lang), layers, listed([_sum(settled, lang)])),
        section(_say("steps", lang), listed(step_words(plan, one, lang))),
        pair(
            section(_say("chart", lang), chart(_bars(plan, settled, lang))),
            section(_say("year", lang), _year_table(plan, one, lang)),
        ),
        section(_say("sources", lang), numbers.table),
        listed(_footer(plan, numbers.recalled, lang)),
    ]


def visit_facts(
    plan: Plan, facts: Mapping[str, str], one: OneVisit, lang: str
) -> list[tuple[str, str]]:
    """Who was treated where, as far as it is reported, each with its name."""
    visit = one.visit
    days = "–".join(facts.get(name, "…") for name in ("admitted_on", "discharged_on"))
    found = [
        (_say("claim", lang), facts.get("claim_id", "")),
        (_say("person", lang), facts.get("patient_id", "")),
        (_say("hospital", lang), facts.get("hospital_id", "")),
        (_say("level", lang), facts.get("hospital_level", visit.level)),
        (_say("days", lang), days if days != "…–…" else ""),
        (_say("insurance", lang), _insurance(visit.insurance, lang)),
        (_say("category", lang), visit.category or _say("category_none", lang)),
        (_say("retired", lang), "" if visit.retired is None
         else _say("yes" if visit.retired else "no", lang)),
        (_say("off_site", lang), visit.off_site or _say("at_home", lang)),
        (_say("region", lang), region_word(plan, visit.region, lang)),
        (_say("care", lang), _say(f"care_{visit.care}", lang) if visit.care in CARES
         else visit.care),
    ]  # fmt: skip
    return [(name, value) for name, value in found if value]


def _insurance(code: str, lang: str) -> str:
    """An insurance's word, without the name that stands before it already."""
    return insurance_word(code, lang).removeprefix(f"{_say('insurance', lang)} ") if code else ""


def cost_rows(visit: Visit, settled: Settled, lang: str) -> list[tuple[str, str]]:
    """The cost, what of it is outside the scope, and what is left; the cost alone if unsettled."""
    outside = ("own_pay", "first_self_pay", "over_limit")
    if settled.reason:
        return [(_say("total", lang), money(settled.total))]
    return [
        (_say("total", lang), money(settled.total)),
        *((_say(name, lang), money(getattr(visit, name))) for name in outside
          if getattr(visit, name)),
        (_say("eligible", lang), money(settled.eligible)),
    ]  # fmt: skip


def layer_rows(plan: Plan, one: OneVisit, lang: str) -> list[tuple[str, ...]]:
    """One row a layer: what reached it, what it left out, paid, cut, and what the patient has."""
    left = one.settled.total
    rows = []
    for layer in one.settled.layers:
        left -= layer.paid
        amounts = (layer.base, layer.deductible, layer.paid, layer.capped, left)
        rows.append((layer_title(plan, layer, lang), *map(money, amounts)))
    return rows


def used_rows(plan: Plan, one: OneVisit, lang: str) -> list[tuple[str, str, str]]:
    """What the year has used up before and after the visit, where it is anything."""
    rows = []
    _, later = settle_visit(plan, one.visit, one.before)
    for name in Balance._fields:
        both = [getattr(balance, name) for balance in (one.before, later)]
        if any(both):
            if name == "region":
                shown = [region_word(plan, value, lang) or "—" for value in both]
            else:
                shown = [str(value) if name == "visits" else money(value) for value in both]
            rows.append((_say(f"used_{name}", lang), shown[0], shown[1]))
    return rows


def check_line(settled: Settled) -> str:
    """All parts and what they add up to."""
    parts = [*(layer.paid for layer in settled.layers if layer.paid), settled.patient]
    return f"{' + '.join(map(money, parts))} = {money(sum(parts))}"


def _layer_table(plan: Plan, one: OneVisit, lang: str) -> str:
    heads = ("base", "start", "paid", "capped", "left")
    columns = [Column(_say("head_layer", lang))]
    columns += [Column(_say(f"head_{head}", lang), number=True) for head in heads]
    return table(columns, layer_rows(plan, one, lang))


def _scope(visit: Visit, settled: Settled, lang: str) -> str:
    """From the cost to what is compliant, where the two differ."""
    first, *outside, last = cost_rows(visit, settled, lang)
    parts = [_say("less", lang, name=name, amount=amount) for name, amount in outside]
    return " ".join([*first, *parts, "=", *last]) if parts else ""


def _sum(settled: Settled, lang: str) -> str:
    return f"{_say('check', lang)}{text('settlement.colon', lang)}{check_line(settled)}"


def _bars(plan: Plan, settled: Settled, lang: str) -> str:
    rows = [
        Bar(layer_title(plan, layer, lang), layer.paid, money(layer.paid))
        for layer in settled.layers if layer.paid
    ]  # fmt: skip
    rows.append(Bar(_say("patient", lang), settled.patient, money(settled.patient)))
    return bars(_say("chart", lang), rows, width=330)


def _year_table(plan: Plan, one: OneVisit, lang: str) -> str:
    columns = [Column(_say("head_used", lang))]
    columns += [Column(_say(f"head_{head}", lang), number=True) for head in ("before", "after")]
    return table(columns, used_rows(plan, one, lang))


def _numbers(plan: Plan, one: OneVisit, lang: str) -> Numbers:
    used = numbers_used(plan, one.visit, lang)
    return Numbers(_number_table(plan, used, lang), any(u.status == "recalled" for u in used))


def _number_table(plan: Plan, used: Sequence[Used], lang: str) -> str:
    """Numbers by layer and document: one row for those that stand in one place."""
    titles = document_titles(plan.folder, lang)
    together: dict[tuple[str, str, str], list[str]] = {}
    for row in used:
        told = together.setdefault((row.part, row.status, row.source), [])
        told.append(f"{row.what} {row.value}")
    heads = ("layer", "what", "status", "source")
    columns = [Column(_say(f"head_{head}", lang)) for head in heads]
    semicolon = text("explain.semicolon", lang)
    rows = [
        (part, semicolon.join(told), text(f"policies.status_{status}", lang) if status else "",
         titles.get(source, source))
        for (part, status, source), told in together.items()
    ]  # fmt: skip
    return table(columns, rows)


def _footer(plan: Plan, recalled: bool, lang: str) -> list[str]:
    title = plan.title_zh if lang == "zh" else plan.title_en
    return [
        f"{_say('plan', lang)} {plan.id} · {title} · SHA-256 {plan.digest[:16]} · "
        f"{_say('made_with', lang, version=drg.__version__)}",
        _say("recalled", lang) if recalled else "",
        _say("not_official", lang),
    ]


def _say(key: str, lang: str, **params: object) -> str:
    return text(f"benefits.{key}", lang, **params)
