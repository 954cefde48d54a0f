"""The list of policies and the page of one: every number with its document, what is wanted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drg.paths import tables_root
from drg.payment.policy.catalog import list_policies
from drg.payment.policy.paths import written
from drg.text import aligned, language, text
from drg.toml_file import read_toml

if TYPE_CHECKING:
    from drg.payment.policy import Policy
    from drg.payment.policy.model import Sourced

__all__ = ["in_force_words", "list_lines", "page_lines", "place_words", "policies_json"]

#: Mechanisms in the order of a case's way; month and year count where they say anything.
_MECHANISMS = ("dip", "per_disease", "bed_day", "outpatient", "community", "budget")


def list_lines(lang: str | None = None) -> list[str]:
    """One line a shipped policy: id, place, in force, mechanisms, numbers wanted, title."""
    heads = ("id", "place", "in_force", "mechanisms", "wanted", "title")
    rows = [tuple(_say(f"head_{head}", lang) for head in heads)]
    for policy in list_policies():
        name = place_words(policy, lang)
        title = policy.title_zh if _zh(lang) else policy.title_en
        if policy.synthetic:
            title = _say("marked", lang, title=title)
        mechanisms = _say("comma", lang).join(_mechanisms(policy, lang))
        wanted = str(len(policy.wanted)) if policy.wanted else "—"
        rows.append((policy.id, name, in_force_words(policy, lang), mechanisms, wanted, title))
    return aligned(rows, right=(4,))


def policies_json() -> str:
    """The list for programs."""
    found = [
        {
            "id": policy.id,
            "place": policy.place,
            "place_zh": policy.place_zh,
            "also": policy.also,
            "title_zh": policy.title_zh,
            "title_en": policy.title_en,
            "in_force": policy.in_force.texts,
            "in_force_status": policy.in_force_status,
            "insurances": policy.insurances,
            "mechanisms": _keys(policy),
            "wanted": dict(policy.wanted),
            "synthetic": policy.synthetic,
            "digest": policy.digest,
        }
        for policy in list_policies()
    ]
    return json.dumps(found, ensure_ascii=False, indent=2)


def page_lines(policy: Sourced, lang: str | None = None) -> Iterator[str]:
    """A policy told: dates, every number with status and document, notes, what is wanted.

    Parameters
    ----------
    policy : Policy or Plan
    lang : {"zh", "en"}, optional
        Language; the context's when omitted. Notes are in the language it was loaded in.
    """
    title = policy.title_zh if _zh(lang) else policy.title_en
    yield f"{policy.id}  {title}"
    if policy.synthetic:
        yield _say("synthetic", lang)
    facts = [
        ("page_place", place_words(policy, lang)),
        ("page_in_force", in_force_words(policy, lang)),
        ("page_note", policy.in_force_note),
        ("page_insurance", ", ".join(policy.insurances) or _say("all", lang)),
        ("page_digest", policy.digest),
    ]
    yield from aligned([(_say(key, lang), value) for key, value in facts if value])
    rows = [
        (path, written(policy, tuple(path.split("."))), _say(f"status_{p.status}", lang),
         p.source or "—", p.note)
        for path, p in policy.provenance.items()
    ]  # fmt: skip
    if rows:
        yield ""
        heads = ("path", "value", "status", "source", "note")
        yield from aligned([tuple(_say(f"head_{head}", lang) for head in heads), *rows])
    if policy.wanted:
        yield ""
        yield _say("wanted", lang)
        yield from (f"  {path}: {why}" for path, why in policy.wanted.items())
    if policy.notes:
        yield ""
        yield _say("notes", lang)
        yield from (_note_line(note, lang) for note in policy.notes)
    if policy.sources:
        yield ""
        yield _say("documents", lang)
        yield from _document_lines(policy, lang)


def _keys(policy: Policy) -> list[str]:
    found = []
    if policy.drg is not None:
        found.append("points" if policy.drg.points else "drg")
    found += [name for name in _MECHANISMS if getattr(policy, name) not in (None, ())]
    said = {path.partition(".")[0] for path in (*policy.provenance, *policy.wanted)}
    return found + [name for name in ("month", "year") if name in said]


def _mechanisms(policy: Policy, lang: str | None) -> list[str]:
    return [_say(f"mechanism_{name}", lang) for name in _keys(policy)]


def place_words(policy: Sourced, lang: str | None) -> str:
    """The place as one may ask for it: ``哈尔滨 (haerbin, harbin)``."""
    if not _zh(lang):
        return ", ".join((policy.place, *policy.also))
    return f"{policy.place_zh} ({', '.join((policy.place, *policy.also))})"


def in_force_words(policy: Sourced, lang: str | None) -> str:
    """Days in force and how they are known."""
    status = policy.in_force_status or "unknown"
    return f"{policy.in_force} {text(f'explain.dates_{status}', lang)}"


def _note_line(note: Mapping[str, str], lang: str | None) -> str:
    words = note.get(f"text_{lang or language()}", note.get("text", ""))
    where = note.get("where", "")
    return f"  {where}: {words}" if where else f"  {words}"


def _document_lines(policy: Sourced, lang: str | None) -> Iterator[str]:
    register = _documents(tables_root() / "sources.toml")
    register |= _documents(Path(policy.folder) / "sources.toml")
    for source in policy.sources:
        entry = register.get(source, {})
        title = entry.get(f"title_{lang or language()}", entry.get("title_zh", ""))
        parts = (entry.get("number", ""), entry.get("date", ""), entry.get("url", ""))
        yield "  " + " · ".join(filter(None, (source, title, *parts)))


def _documents(path: Path) -> dict[str, Any]:
    return read_toml(path) if path.is_file() else {}


def _say(key: str, lang: str | None, **params: object) -> str:
    return text(f"policies.{key}", lang, **params)


def _zh(lang: str | None) -> bool:
    return (lang or language()) == "zh"
