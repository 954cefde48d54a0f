"""The numbers of a plan that a visit took, in words, each with its status and document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from drg.benefits.compiled import compiled
from drg.benefits.model import LAYERS
from drg.payment.policy.catalog import origin_of
from drg.payment.policy.paths import value_at
from drg.reports.words import money
from drg.text import language, text

if TYPE_CHECKING:
    from drg.benefits.model import Visit
    from drg.benefits.plan import Plan
    from drg.benefits.terms import Segment

__all__ = ["Used", "numbers_used", "percent", "region_word"]

#: Numbers of a row, and of a change to it, in the order in which they are told.
_NUMBERS = (
    "start", "start_next", "start_ratio", "start_min", "start_max", "start_of_income", "ratio",
    "segments", "segment_base", "cap", "ceiling", "ceilings",
    "start_factor", "ratio_delta", "self_pay_factor", "uncapped", "first_self_pay",
)  # fmt: skip
_RATIOS = ("start_ratio", "start_of_income", "ratio", "self_pay_factor")


class Used(NamedTuple):
    """A number of the plan that a visit took.

    Attributes
    ----------
    part, what, value : str
        Layer, name of the number, and the number, in words.
    status, source : str
        As the plan has them; ``source`` is the id of a document, ``""`` for none.
    """

    part: str
    what: str
    value: str
    status: str
    source: str


def percent(ratio: Fraction) -> str:
    """A ratio in per cent, exact: ``85%``, ``37.5%``, ``1/3``.

    Examples
    --------
    >>> percent(Fraction("0.85")), percent(Fraction("0.375")), percent(Fraction(1, 3))
    ('85%', '37.5%', '1/3')
    """
    hundred = ratio * 100
    exact = Decimal(hundred.numerator) / Decimal(hundred.denominator)
    return f"{exact.normalize():f}%" if Fraction(exact) == hundred else str(ratio)


def numbers_used(plan: Plan, visit: Visit, lang: str | None = None) -> list[Used]:
    """The numbers that hold for a visit; none where it cannot be settled.

    Parameters
    ----------
    plan : Plan
    visit : Visit
    lang : {"zh", "en"}, optional
        Language; the context's when omitted.
    """
    terms = compiled(plan).terms(
        (
            visit.off_site, visit.category, visit.care, visit.retired, visit.region, visit.level,
            visit.insurance,
        )
    )  # fmt: skip
    found = []
    paths = (*terms.paths, *(["critical"] if terms.critical is not None else []))
    for path in sorted(paths, key=_layer_rank):
        row = value_at(plan, tuple(path.split(".")))
        for name in _NUMBERS:
            value = getattr(row, name, None)
            if value is None or value in ((), {}) or (value is False and name == "uncapped"):
                continue
            if name == "segment_base" and not row.segments:
                continue
            found.append(_used(plan, f"{path}.{name}", name, value, lang))
            if name == "start_of_income":
                found.append(_used(plan, "means.income", "income", plan.means.income, lang))
    return found


def _layer_rank(path: str) -> int:
    """Layers in the order in which they pay; what a layer's rows share stands behind them."""
    kind = path.partition(".")[0].removesuffix("s")
    return LAYERS.index(kind)


def _used(plan: Plan, path: str, name: str, value: Any, lang: str | None) -> Used:
    # Of a list each entry has its place in the plan; one file and section holds them all.
    entries = (entry for entry in plan.provenance if entry.startswith(f"{path}."))
    origin = plan.provenance.get(next(entries, "")) or origin_of(plan, path)
    return Used(
        _part(plan, path.split("."), lang),
        _say(f"number_{name}", lang),
        _shown(plan, name, value, lang),
        origin.status if origin is not None else "",
        origin.source if origin is not None else "",
    )  # fmt: skip


def _part(plan: Plan, path: list[str], lang: str | None) -> str:
    """The layer a number belongs to; of a change to it also the name of the change."""
    if path[0] == "backstops":
        backstop = plan.backstops[path[1]]
        title = backstop.title_zh if (lang or language()) == "zh" else backstop.title_en
        return title or path[1]
    if path[0] == "means":
        return _say("part_means", lang)
    return _say(f"layer_{path[0]}", lang)


def region_word(plan: Plan, region: str, lang: str | None = None) -> str:
    """A region of a plan: in Chinese by the first spelling that the plan gives, else its name."""
    spellings = plan.names.get("region", {}).get(region, ())
    return spellings[0] if spellings and (lang or language()) == "zh" else region


def _shown(plan: Plan, name: str, value: Any, lang: str | None) -> str:
    if isinstance(value, bool):
        return _say("yes" if value else "no", lang)
    if name in _RATIOS:
        return percent(value)
    if name == "ratio_delta":
        points = percent(value).removesuffix("%")
        return _say("points", lang, points=f"{'+' if value > 0 else ''}{points}")
    if name == "segments":
        return _say("comma", lang).join(_segment_words(value, lang))
    if name == "segment_base":
        return _say(f"base_{value}", lang)
    if isinstance(value, Mapping):
        return _say("comma", lang).join(
            f"{region_word(plan, key, lang)} {money(fen)}" for key, fen in value.items()
        )
    if isinstance(value, Fraction):
        return f"× {Decimal(value.numerator) / Decimal(value.denominator):f}"
    return money(value)


def _segment_words(segments: tuple[Segment, ...], lang: str | None) -> Iterator[str]:
    for segment in segments:
        if segment.to is None:
            yield _say("segment_open", lang, ratio=percent(segment.ratio))
        else:
            bound = money(segment.to).removesuffix(".00")
            yield _say("segment_to", lang, bound=bound, ratio=percent(segment.ratio))


def _say(key: str, lang: str | None, **params: object) -> str:
    return text(f"benefits.{key}", lang, **params)
