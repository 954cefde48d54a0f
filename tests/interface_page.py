"""The tables of docs/interfaces.md, made from ``tables/interface``; run it to renew the page."""

from __future__ import annotations

from drg.claims.interface.dictionaries import dictionaries
from drg.claims.interface.fields import fields
from drg.claims.interface.tables import interface_folder, read_table

READS = {
    "text": "as it is", "whole": "whole number, decimals cut off",
    "single": "the only one of several values", "money": "exact amount", "code": "code",
    "open": "code",
    "hours": "`d/h/m` → complete hours", "minutes": "`d/h/m` → minutes", "codes": "codes in order",
    "joined": "one an entry, joined by bars", "sum": "sum of the entries", "item": "one a charge",
}  # fmt: skip


def field_lines() -> list[str]:
    """One row a field."""
    lines = ["| node | field | 中文 | type | column | read as | 4101 | 4101A | status |",
             "|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for field in fields():
        column = f"`{field.canonical}`" if field.canonical else ""
        read = READS[field.reading] if field.canonical or field.reading != "text" else ""
        if field.dictionary:
            read = (
                f"{read} of `{field.dictionary}`"
                if field.reading in ("code", "open")
                else f"{read}, `{field.dictionary}`"
            )
        cells = (
            field.node, f"`{field.field}`", field.title_zh, field.type, column, read,
            "×" if field.in_4101 else "", "×" if field.in_4101a else "", field.status,
        )  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def dictionary_lines() -> list[str]:
    """One row a dictionary."""
    lines = ["| dictionary | codes | source | status |", "|---|---|---|---|"]
    for name, entries in dictionaries().items():
        codes = "；".join(f"`{code}` {entry.title_zh}" for code, entry in entries.items())
        sources = ", ".join(dict.fromkeys(entry.source for entry in entries.values()))
        status = ", ".join(dict.fromkeys(entry.status for entry in entries.values()))
        lines.append(f"| `{name}` | {codes} | {sources} | {status} |")
    return lines


def translation_lines() -> list[str]:
    """One row a pair of code sets; ``→`` one way, ``↔`` both."""
    header = ("dictionary", "code", "to", "value", "direction", "source", "status")
    found: dict[tuple[str, str], list[str]] = {}
    for row in read_table(
        interface_folder() / "translations.csv", header, ("dictionary", "code", "to")
    ):
        mark = "↔" if row["direction"] == "both" else "→"
        found.setdefault((row["dictionary"], row["to"]), []).append(
            f"`{row['code']}` {mark} `{row['value']}`"
        )
    lines = ["| from | to | codes |", "|---|---|---|"]
    lines += [f"| `{a}` | `{b}` | {', '.join(pairs)} |" for (a, b), pairs in found.items()]
    return lines


TABLES = {
    "fields": field_lines, "dictionaries": dictionary_lines, "translations": translation_lines,
}  # fmt: skip


if __name__ == "__main__":
    from conftest import ROOT

    page = ROOT / "docs" / "interfaces.md"
    text = page.read_text("utf-8")
    for name, lines in TABLES.items():
        start, end = f"<!-- {name} -->\n", f"<!-- end {name} -->\n"
        before, _, rest = text.partition(start)
        _, _, after = rest.partition(end)
        text = before + start + "\n" + "\n".join(lines()) + "\n\n" + end + after
    page.write_text(text, "utf-8")
