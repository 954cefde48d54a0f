"""Pages of codes: reasons on a claim's row, audit rules, findings of the lint, errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches

from drg.reasons import reason_codes, reason_page, reason_title
from drg.scale import RunError
from drg.scale.audit_pages import rule_ids, rule_lines, rule_title
from drg.scale.summary import aligned
from drg.schemes.lint_finding import lint_codes, lint_page, lint_title
from drg.text import catalogue, language, text

__all__ = ["page_lines", "register_lines"]

_ERROR_AREAS = ("errors", "readers", "cli", "compare", "service")
_CODE = re.compile(r"[A-Z]\d{3}")
#: A place that a message fills in when it is raised.
_PLACE = re.compile(r"\{\w+\}")
_NEAR = 5


def page_lines(code: str, lang: str | None = None) -> list[str]:
    """The page of a code.

    Parameters
    ----------
    code : str
        Code of a reason, an audit rule, a finding or an error; case does not matter.
    lang : {"zh", "en"}, optional
        Language; the context's when omitted.

    Raises
    ------
    RunError
        C204: no such code; names the nearest.
    """
    wanted = code.strip().upper()
    if wanted in reason_codes():
        return reason_page(wanted, lang).lines(lang)
    if wanted in lint_codes():
        return lint_page(wanted, lang)
    errors = _errors()
    if wanted in errors:
        return _error_lines(wanted, errors[wanted], lang or language())
    if wanted in rule_ids():
        return rule_lines(wanted, lang)
    known = [*reason_codes(), *rule_ids(), *lint_codes(), *sorted(errors)]
    near = get_close_matches(wanted, known, n=_NEAR, cutoff=0.5)
    near = near or [k for k in known if k[:1] == wanted[:1]][:_NEAR] or list(reason_codes()[:_NEAR])
    raise RunError("C204", asked=code, near=" ".join(near))


def register_lines(lang: str | None = None) -> list[str]:
    """One line a code: reasons first, then audit rules, findings of the lint, errors."""
    lang = lang or language()
    rows = [(code, reason_title(code, lang)) for code in reason_codes()]
    rows += [(code, rule_title(code, lang)) for code in rule_ids()]
    rows += [(code, lint_title(code, lang)) for code in lint_codes()]
    errors = _errors()
    rows += [(code, _plain(errors[code][lang])) for code in sorted(errors)]
    return aligned(rows)


def _errors() -> dict[str, Mapping[str, str]]:
    """Code to wording of every error of the catalogue."""
    return {
        code: entry
        for area in _ERROR_AREAS
        for code, entry in catalogue(area).items()
        if _CODE.fullmatch(code)
    }


def _error_lines(code: str, entry: Mapping[str, str], lang: str) -> list[str]:
    lines = [f"{code} {_plain(entry[lang])}"]
    if mend := entry.get(f"mend_{lang}"):
        lines.append(text("cli.error_mend", lang) + _plain(mend))
    return lines


def _plain(wording: str) -> str:
    return _PLACE.sub("…", wording.rpartition("] ")[2])
