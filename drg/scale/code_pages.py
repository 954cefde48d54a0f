"""Pages of the code book: what ``drg code`` prints of codes and of what they do in a scheme."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from drg.scale import RunError
from drg.schemes.codebook import CodeEntry, CodeRole, CodeUse, describe_code, search_codes
from drg.schemes.crosswalk import KINDS, Kind, shipped_crosswalks
from drg.schemes.rules import Codes, parse
from drg.schemes.words import rule_words
from drg.text import aligned, text

if TYPE_CHECKING:
    from drg.schemes.scheme import Scheme

__all__ = ["code_json", "code_lines", "role_lines"]

#: Codes shown when nobody says how many; and with what they do in a scheme.
_SHOWN, _DESCRIBED = 20, 5
#: Clinical codes named for one insurance code.
_NAMED = 6


def code_lines(
    asked: str,
    kinds: Sequence[Kind] = KINDS,
    *,
    limit: int | None = None,
    scheme: Scheme | None = None,
    lang: str | None = None,
) -> list[str]:
    """Codes that a text means, one a line, with what the editions make of them.

    Parameters
    ----------
    asked : str
        As for ``search_codes``.
    kinds : sequence of {"dx", "px"}, optional
        Diagnoses, procedures or both.
    limit : int, optional
        Most codes shown; how many more there are is said. When omitted 20; with a scheme only the
        codes that are the text itself, else 5.
    scheme : Scheme, optional
        Tells under each code what it does in this scheme.
    lang : {"zh", "en"}, optional
        Language; the context's when omitted.

    Raises
    ------
    RunError
        C220: no code or name fits.
    """
    found = search_codes(asked, kinds)
    if not found:
        raise RunError("C220", asked=asked)
    shown = _first(found, limit, scheme)
    rows = [(e.code, text(f"codes.{e.kind}", lang), e.name) for e in shown]
    lines = []
    if scheme is not None:
        title = scheme.title(text("explain.title_language", lang))
        title = f"{title} + {scheme.compat}" if scheme.compat else title
        lines.append(text("codes.in_scheme", lang, scheme=title, digest=scheme.digest[:12]))
    for entry, line in zip(shown, aligned(rows), strict=True):
        lines.append(line)
        lines += [f"    {note}" for note in _notes(entry, lang)]
        if scheme is not None:
            role = describe_code(scheme, entry.kind, entry.insurance_code)
            lines += [f"    {line}" for line in role_lines(role, lang)]
    if len(found) > len(shown):
        lines.append(text("codes.more", lang, count=f"{len(found) - len(shown):,}"))
    return lines


def code_json(
    asked: str,
    kinds: Sequence[Kind] = KINDS,
    *,
    limit: int | None = None,
    scheme: Scheme | None = None,
) -> list[Mapping[str, object]]:
    """The same as data: the fields of ``CodeEntry``, and of ``CodeRole`` under ``role``."""
    return [
        {
            **asdict(entry),
            "ambiguous": entry.ambiguous,
            "role": asdict(describe_code(scheme, entry.kind, entry.insurance_code))
            if scheme is not None
            else None,
        }
        for entry in _first(search_codes(asked, kinds), limit, scheme)
    ]


def _first(
    found: Sequence[CodeEntry], limit: int | None, scheme: Scheme | None
) -> Sequence[CodeEntry]:
    """The codes to show."""
    if limit is None:
        whole = sum(entry.match == "code" for entry in found)
        limit = _SHOWN if scheme is None else whole or _DESCRIBED
    return found[:limit]


def _notes(entry: CodeEntry, lang: str | None) -> Iterator[str]:
    """What the two editions make of a code, where they differ."""
    national = shipped_crosswalks()[entry.kind].national
    other = entry.maps_to
    if other is None:
        yield text("codes.only_insurance", lang)
    elif not entry.insurance:
        yield text("codes.only_clinical", lang, code=other, name=national[other])
    elif other != entry.code:
        yield text(
            "codes.other_meaning",
            lang,
            code=entry.code,
            clinical=entry.clinical_name,
            other=other,
            name=national[other],
        )
    elif entry.clinical_name != entry.name:
        yield text("codes.other_name", lang, name=entry.clinical_name)
    if entry.insurance and entry.clinical_codes:
        named = [f"{code} {name}" for code, name in entry.clinical_codes[:_NAMED]]
        told = text("explain.semicolon", lang).join(named)
        if len(entry.clinical_codes) > _NAMED:
            told += text("codes.more_codes", lang, count=len(entry.clinical_codes))
        yield text("codes.from_clinical", lang, codes=told)


def role_lines(role: CodeRole, lang: str | None = None) -> list[str]:
    """What a code does in a scheme, for a coder.

    Parameters
    ----------
    role : CodeRole
        From ``describe_code``.
    lang : {"zh", "en"}, optional
        Language; the context's when omitted.
    """
    if not role.known:
        return [text("codes.not_known", lang, code=role.code)]
    lines = list(_listing_lines(role, lang))
    if role.grey:
        lines.append(text(f"codes.grey_{role.kind}", lang))
    if role.kind == "px":
        lines.append(text("codes.valid" if role.valid else "codes.not_valid", lang))
    lines += [_use_line(role.kind, use, lang) for use in role.uses]
    if not any(use.level == "adrg" for use in role.uses):
        lines.append(text("codes.no_use", lang))
    return lines + (list(_severity_lines(role, lang)) if role.kind == "dx" else [])


def _listing_lines(role: CodeRole, lang: str | None) -> Iterator[str]:
    if role.kind == "dx" and not role.mdcs:
        yield text("codes.no_mdc", lang)
    for listing in role.mdcs:
        place = text(f"explain.{listing.position}_dx", lang)
        line = text("codes.mdc", lang, place=place, mdc=listing.mdc, name=listing.name)
        yield line + (text("codes.site", lang, site=listing.site) if listing.site else "")


def _use_line(kind: Kind, use: CodeUse, lang: str | None) -> str:
    place = text(f"explain.{use.position}_{kind}", lang)
    line = text(
        f"codes.use_{use.level}", lang, row=use.row, name=use.name, place=place, where=use.where
    )
    if use.negated:
        line += text("codes.negated", lang)
    rule = parse(use.rule)
    if isinstance(rule, Codes):
        return line
    return line + text("codes.whole_rule", lang, rule=rule_words(rule, lang))


def _severity_lines(role: CodeRole, lang: str | None) -> Iterator[str]:
    if role.level:
        line = text("codes.level", lang, level=role.level, table=role.exclusion_table)
        named = [f"{code} {name}".rstrip() for code, name in role.voided_examples]
        examples = text("explain.comma", lang).join(named)
        key = "codes.voided" if role.voided_by else "codes.never_voided"
        void = text(key, lang, count=f"{role.voided_by:,}", examples=examples)
        yield line + text("explain.semicolon", lang) + void
    else:
        yield text("codes.no_level", lang)
    if role.principal_table:
        yield text("codes.voids", lang, table=role.principal_table, count=f"{role.voids:,}")
