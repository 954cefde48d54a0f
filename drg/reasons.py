"""The register of reason codes: why a claim has the outcome it has, one page per code.

A reason is data on a claim's row, never an exception. Pages stand in catalogue/reasons.toml.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from drg.errors import DrgError
from drg.text import catalogue, language, text

__all__ = ["ReasonError", "ReasonPage", "reason_codes", "reason_page", "reason_title"]

#: Parts of a page in reading order; each stands in the catalogue in both languages.
PARTS = ("title", "what", "why", "mend", "example")
LEVELS = ("reject", "ungroupable", "ambiguous", "version", "note", "payment", "unpaid")


class ReasonError(DrgError, LookupError):
    """No such reason code."""

    area = "explain"
    exit_code = 2


@dataclass(frozen=True, slots=True)
class ReasonPage:
    """What ``drg rule CODE`` shows, in one language.

    Attributes
    ----------
    code : str
        Register code, e.g. ``"E114"``.
    level : str
        ``reject ungroupable ambiguous version note``: what it does to a claim.
    title, what, why, mend, example : str
        Wording in the page's language.
    source : str
        Document or table the rule comes from.
    """

    code: str
    level: str
    title: str
    what: str
    why: str
    mend: str
    example: str
    source: str

    def lines(self, lang: str | None = None) -> list[str]:
        """The page as lines of text; `lang` chooses the labels."""
        label = {
            part: text(f"explain.page_{part}", lang) for part in ("level", *PARTS[1:], "source")
        }
        level = text(f"explain.level_{self.level}", lang)
        body = {
            "level": level,
            "what": self.what,
            "why": self.why,
            "mend": self.mend,
            "example": self.example,
            "source": self.source,
        }
        return [f"{self.code} {self.title}", *(f"{label[p]}{body[p]}" for p in body)]


@cache
def _register() -> Mapping[str, Mapping[str, str]]:
    """All pages, checked whole: a register with a hole is a programming error.

    A code that is defined twice does not load at all: TOML forbids a second table of one name.
    """
    pages = catalogue("reasons")
    for code, page in pages.items():
        wanted = {"level", "source"} | {f"{p}_{lang}" for p in PARTS for lang in ("zh", "en")}
        if page.keys() != wanted or page["level"] not in LEVELS:
            raise ValueError(f"reasons.toml [{code}]: fields {sorted(wanted ^ page.keys())}")
        if code in catalogue("errors"):
            raise ValueError(f"{code} stands in reasons.toml and in errors.toml")
    return MappingProxyType(pages)


def reason_codes() -> tuple[str, ...]:
    """Every registered code, sorted."""
    return tuple(sorted(_register()))


def reason_title(code: str, lang: str | None = None) -> str:
    """Title of a code; ``""`` for a code that is not registered (a private table's own check)."""
    page = _register().get(code)
    return page[f"title_{lang or language()}"] if page else ""


def reason_page(code: str, lang: str | None = None) -> ReasonPage:
    """The page of one code.

    Parameters
    ----------
    code : str
        Case does not matter.
    lang : {"zh", "en"}, optional
        Language; the context's when omitted.

    Raises
    ------
    ReasonError
        R101: no such code; names the registered ones.
    """
    lang = lang or language()
    wanted = code.strip().upper()
    page = _register().get(wanted)
    if page is None:
        raise ReasonError("R101", asked=code, known=" ".join(reason_codes()))
    parts = {part: page[f"{part}_{lang}"] for part in PARTS}
    return ReasonPage(code=wanted, level=page["level"], source=page["source"], **parts)
