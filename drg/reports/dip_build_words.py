"""Lines about a built DIP catalogue that the workbook, the page and the terminal share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drg.dip.build.report import CV_BOUNDS, cv_frame, totals
from drg.dip.build.settings import trim_text
from drg.money import round_scaled, unscaled
from drg.reports.words import count, money
from drg.text import text

if TYPE_CHECKING:
    from drg.dip.build.builder import Built

__all__ = ["curve_rows", "cv_rows", "key_rows", "say", "setting_rows", "share"]

_STABLE = 0.7


def say(key: str, lang: str | None = None, /, **params: object) -> str:
    """Wording of the part ``dip_build`` of dip.toml."""
    return text(f"dip.dip_build.{key}", lang, **params)


def share(part: int, whole: int) -> str:
    """A share in per cent."""
    return f"{part / whole:.2%}" if whole else "—"


def key_rows(built: Built, lang: str | None = None) -> list[tuple[str, str]]:
    """The figures that matter, each with its name."""
    told, scores = totals(built), built.scores
    used = told["used"]
    years = ", ".join(f"{y}: {count(n)} × {scores.weights[y]}" for y, n in built.years.items())
    mean = money(scores.overall.mean_fen or 0)
    rows = [
        (say("key_read", lang), count(built.read)),
        (say("key_used", lang), f"{count(used)} ({share(used, built.read)})"),
        (say("key_years", lang), years),
        (say("key_combinations", lang), f"{count(told['combinations'])}"),
        (say("key_folded", lang), count(told["folded"])),
        (say("key_threshold", lang), _threshold(built, lang)),
        (say("key_core", lang), _groups(told["core_groups"], told["core_cases"], used, lang)),
        (
            say("key_comprehensive", lang),
            _groups(told["comprehensive_groups"], told["comprehensive_cases"], used, lang),
        ),
        (say("key_none", lang), f"{count(told['no_group'])} ({share(told['no_group'], used)})"),
        (say("key_mean", lang), say("yuan", lang, yuan=mean)),
        (say("key_total", lang), _grouped(unscaled(told["total_score"]))),
        (say("key_cv", lang), _stable(built)),
        (
            say("key_types", lang),
            say("types", lang, types=count(told["types_taken"]), subtypes=count(told["subtypes"])),
        ),
    ]
    if built.rounded:
        rows.append((say("key_rounded", lang), count(built.rounded)))
    return rows


def curve_rows(built: Built, lang: str | None = None) -> list[list[str]]:
    """Groups and coverage by threshold: headings, then one row a threshold."""
    heads = ("threshold", "core", "core_share", "comprehensive", "wide_share", "dropped_share")
    rows = [[say(f"curve_{name}", lang) for name in heads]]
    for t, core, cases, wide, wide_cases, dropped in built.formed.curve.iter_rows():
        whole = cases + wide_cases + dropped
        mark = " *" if t == built.formed.threshold else ""
        rows.append(
            [
                f"{t}{mark}", count(core), share(cases, whole), count(wide),
                share(wide_cases, whole), share(dropped, whole),
            ]
        )  # fmt: skip
    return rows


def cv_rows(built: Built, lang: str | None = None) -> list[list[str]]:
    """Groups by coefficient of variation: headings, then one row a class."""
    frame = cv_frame(built)
    rows = [[say(f"cv_{name}", lang) for name in ("class", "groups", "cases")]]
    low = 0.0
    for high in CV_BOUNDS:
        part = frame.filter(frame["from"] == low)
        shown = f"{low:g}–{high:g}" if high is not None else f"≥ {low:g}"
        rows.append([shown, count(int(part["groups"].sum())), count(int(part["cases"].sum()))])
        low = high or 0.0
    return rows


def setting_rows(built: Built, lang: str | None = None) -> list[tuple[str, str]]:
    """What was set, by the names of the settings file."""
    del lang  # names of entries are what a settings file has
    told = built.settings.header()
    return [(name, _shown(value)) for name, value in told.items()]


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k}: {_shown(v)}" for k, v in value.items())
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _threshold(built: Built, lang: str | None) -> str:
    shown = say("threshold", lang, cases=built.formed.threshold)
    coverage = built.settings.coverage
    if coverage is not None:
        wanted = f"{unscaled(round_scaled(coverage * 100, 2), 2)}%"
        shown += say("coverage", lang, share=wanted)
    trim = trim_text(built.settings.trim)
    return shown if trim == "none" else shown + say("trimmed", lang, trim=trim)


def _groups(groups: int, cases: int, whole: int, lang: str | None) -> str:
    return say("groups", lang, groups=count(groups), cases=count(cases), share=share(cases, whole))


def _stable(built: Built) -> str:
    """Share of groups, and of their cases, with a coefficient of variation below 0.7."""
    frame = cv_frame(built)
    low = frame.filter(frame["below"].fill_null(float("inf")) <= _STABLE)
    shares = [
        share(int(low[column].sum()), int(frame[column].sum())) for column in ("groups", "cases")
    ]
    return " / ".join(shares)


def _grouped(number: str) -> str:
    whole, _, rest = number.partition(".")
    return f"{int(whole):,}.{rest}"
