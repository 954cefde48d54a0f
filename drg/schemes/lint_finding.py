"""One finding of the lint, its wording and its page (catalogue/lint.toml).

A code L1xx (schemes, register) or L2xx (DIP catalogues) has a level, a title, why it matters and
how to mend it, in Chinese and English.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any

from drg.text import catalogue, language, text

__all__ = ["LEVELS", "PAGE_PARTS", "Acceptance", "Finding", "lint_codes", "lint_page",
           "lint_title", "sorted_findings"]  # fmt: skip

LEVELS = ("error", "warning", "info")
PAGE_PARTS = ("title", "why", "mend")
#: Codes or rows that a line of text names before it only counts them.
_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Acceptance:
    """An ``[[accepted]]`` entry: a finding that is known, with the reason why it stays.

    Attributes
    ----------
    lint : str
        Code of the finding.
    where : tuple of str
        Keys of the findings, or the codes of their groups; ``("*",)`` for all of that code.
    source, reason_zh, reason_en : str
        Document behind the decision, and the decision.
    count : int or None
        How many codes or rows the findings name in all, for a list too long to repeat.
    """

    lint: str
    where: tuple[str, ...]
    source: str
    reason_zh: str
    reason_en: str
    count: int | None = None

    def reason(self, lang: str | None = None) -> str:
        """The reason in one language."""
        return self.reason_zh if (lang or language()) == "zh" else self.reason_en

    def covers(self, finding: Finding) -> bool:
        """Whether a finding is among those accepted."""
        if self.lint != finding.code:
            return False
        return self.where == ("*",) or not finding.names.isdisjoint(self.where)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a table author should look at.

    Attributes
    ----------
    code : str
        ``L101`` … ; its page is ``drg rule L101``.
    table : str
        Table or file it stands in, e.g. ``adrg``, ``scheme.toml``.
    key : str
        Row, set or entry in that table.
    items : tuple of str
        Codes or rows it is about, where there are several.
    params : mapping
        Values that the wording names.
    also : str
        Group code by which an acceptance may name it too.
    scheme : str
        Scheme id, ``codes`` or ``sources``.
    accepted : Acceptance or None
    """

    code: str
    table: str
    key: str
    items: tuple[str, ...] = ()
    params: Mapping[str, object] = field(default_factory=dict)
    also: str = ""
    scheme: str = ""
    accepted: Acceptance | None = None

    @property
    def level(self) -> str:
        """``error``, ``warning`` or ``info``."""
        return str(_register()[self.code]["level"])

    @property
    def names(self) -> frozenset[str]:
        """What an acceptance may call it."""
        return frozenset({self.key, self.also} - {""})

    @property
    def counts(self) -> bool:
        """Whether it keeps a scheme from being clean."""
        return self.level != "info" and self.accepted is None

    def text(self, lang: str | None = None) -> str:
        """What was found, in one line."""
        comma = text("lint.comma", lang)
        shown = comma.join(self.items[:_SHOWN])
        if len(self.items) > _SHOWN:
            shown = text("lint.more", lang, shown=shown, count=f"{len(self.items):,}")
        params = {"key": self.key, "table": self.table, "items": shown, **self.params}
        return text(f"lint.{self.code}", lang, **params)

    def line(self, lang: str | None = None) -> str:
        """One line for a terminal."""
        level = text(f"lint.level_{self.level}", lang)
        return f"{level} {self.code} {self.table}: {self.text(lang)}"

    def as_dict(self, lang: str | None = None) -> dict[str, Any]:
        """For JSON and tables: text in one language, everything else as it is."""
        accepted = self.accepted
        return {
            "scheme": self.scheme,
            "code": self.code,
            "level": self.level,
            "table": self.table,
            "key": self.key,
            "text": self.text(lang),
            "items": list(self.items),
            "accepted": accepted is not None,
            "source": accepted.source if accepted else "",
            "reason": accepted.reason(lang) if accepted else "",
        }


def lint_codes() -> tuple[str, ...]:
    """Every registered code, sorted."""
    return tuple(sorted(_register()))


def lint_title(code: str, lang: str | None = None) -> str:
    """Title of a code."""
    return _register()[code][f"title_{lang or language()}"]


def lint_page(code: str, lang: str | None = None) -> list[str]:
    """The page of a code as lines of text.

    Raises
    ------
    KeyError
        No such code.
    """
    lang = lang or language()
    page = _register()[code]
    return [
        f"{code} {lint_title(code, lang)}",
        text("lint.page_level", lang) + text(f"lint.level_{page['level']}", lang),
        *(text(f"lint.page_{part}", lang) + page[f"{part}_{lang}"] for part in PAGE_PARTS[1:]),
    ]


@cache
def _register() -> Mapping[str, Mapping[str, str]]:
    """Pages by code, checked whole: a register with a hole is a programming error."""
    pages = {code: page for code, page in catalogue("lint").items() if code[:2] in ("L1", "L2")}
    wanted = {"level", "zh", "en", *(f"{p}_{lang}" for p in PAGE_PARTS for lang in ("zh", "en"))}
    for code, page in pages.items():
        if page.keys() != wanted or page["level"] not in LEVELS:
            raise ValueError(f"lint.toml [{code}]: fields {sorted(wanted ^ page.keys())}")
    return MappingProxyType(pages)


def sorted_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Errors first, then by code, table and key."""
    return sorted(findings, key=lambda f: (LEVELS.index(f.level), f.code, f.table, f.key))
