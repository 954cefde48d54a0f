"""The import report: what was lost, dropped, changed or assumed, row by row.

Nothing of a source is left out in silence. A finding has a kind, whose wording (why, and what
was done) stands in catalogue/importing.toml, and a level:

``lost``     could not be read or held; a group may come out differently
``dropped``  left out, and no group can come out differently
``changed``  taken, but not as it was written
``assumed``  not said by the source; taken from the base or from a convention
``note``     told, nothing done
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass, field

from drg.text import catalogue, text

LEVELS = ("lost", "dropped", "changed", "assumed", "note")
#: Findings of one kind that a terminal shows; the file has all.
_SHOWN_LOST, _SHOWN = 10, 2
#: Findings kept one by one; past this only their number is kept.
MAX_FINDINGS = 200_000


@dataclass(frozen=True, slots=True)
class ImportFinding:
    """One line of the report.

    Attributes
    ----------
    kind : str
        Entry of catalogue/importing.toml.
    file : str
        File or sheet of the source; ``""`` for the source as a whole.
    row : int
        Row as an editor counts (header = 1); 0 for the whole file.
    what : str
        The cell, code or rule it is about.
    params : dict
        Values that the wording names.
    """

    kind: str
    file: str
    row: int
    what: str
    params: dict[str, object] = field(default_factory=dict)

    @property
    def level(self) -> str:
        """One of ``LEVELS``."""
        return str(catalogue("importing")[self.kind]["level"])

    def why(self, lang: str | None = None) -> str:
        """Why the row is in the report."""
        return text(f"importing.{self.kind}", lang, **_shown(self.params))

    def done(self, lang: str | None = None) -> str:
        """What was done about it."""
        return text(f"importing.{self.kind}.done", lang, **_shown(self.params))

    def line(self, lang: str | None = None) -> str:
        """The finding as one line for a terminal."""
        place = text("importing.place", lang, file=self.file, row=self.row) if self.row else ""
        head = f"[{text(f'importing.level_{self.level}', lang)}] {place or self.file}".rstrip()
        what = f" {self.what}" if self.what else ""
        done = self.done(lang)
        return f"{head}{what}: {self.why(lang)}" + (f" → {done}" if done else "")


class ImportReport:
    """Findings in the order in which they were made."""

    def __init__(self) -> None:
        self.findings: list[ImportFinding] = []
        self.counts: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()

    def add(
        self, finding: str, file: str = "", row: int = 0, what: object = "", **params: object
    ) -> None:
        """Record a finding; ``what`` is shortened to a line."""
        shown = " ".join(str(what).split())
        found = ImportFinding(
            finding, file, row, shown if len(shown) <= 120 else f"{shown[:119]}…", params
        )
        self.counts[found.level] += 1
        self.kinds[finding] += 1
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(found)

    @property
    def lost(self) -> int:
        """Rows that could not be read or held."""
        return self.counts["lost"]

    def summary(self, lang: str | None = None) -> str:
        """The numbers of findings by level, one line."""
        parts = [f"{text(f'importing.level_{n}', lang)} {self.counts[n]}" for n in LEVELS]
        return text("importing.summary", lang, counts=" · ".join(parts))

    def lines(self, lang: str | None = None) -> list[str]:
        """The summary and some findings of each kind, the weightiest first, for a terminal."""
        by_kind: dict[str, list[ImportFinding]] = {}
        for found in sorted(self.findings, key=lambda f: LEVELS.index(f.level)):
            if found.level != "note":
                by_kind.setdefault(found.kind, []).append(found)
        shown = []
        for kind, found_of in by_kind.items():
            most = _SHOWN_LOST if found_of[0].level == "lost" else _SHOWN
            shown += [f"  {found.line(lang)}" for found in found_of[:most]]
            if self.kinds[kind] > most:
                shown.append(f"    {text('importing.more', lang, count=self.kinds[kind] - most)}")
        return [self.summary(lang), *shown]

    def to_csv(self, lang: str | None = None) -> str:
        """Every finding as a row; the header is worded in the language."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        heads = ("level", "file", "row", "what", "why", "done")
        writer.writerow([text(f"importing.head_{head}", lang) for head in heads])
        for f in self.findings:
            level = text(f"importing.level_{f.level}", lang)
            writer.writerow([level, f.file, f.row or "", f.what, f.why(lang), f.done(lang)])
        return out.getvalue()


def _shown(params: dict[str, object]) -> dict[str, object]:
    # The wording always has parameters to fill, so that a brace in it is never taken literally.
    return params or {"": ""}
