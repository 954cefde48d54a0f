"""Lint: what an author should look at in a scheme's tables, beyond what loading refuses.

Runs every check over schemes, takes off what the base has already and what scheme.toml accepts,
and tells the rest. The checks stand in the other lint modules, the wording in catalogue/lint.toml.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from drg.errors import DrgError
from drg.paths import tables_root
from drg.schemes.catalog import SchemeLocation, list_schemes, load_location, locate
from drg.schemes.crosswalk import KINDS, code_lists, read_national
from drg.schemes.folder import SCHEME_FILE, Folder, read_folder
from drg.schemes.lint_codes import code_findings
from drg.schemes.lint_finding import LEVELS, Acceptance, Finding, lint_codes, sorted_findings
from drg.schemes.lint_groups import group_findings, unreachable_groups
from drg.schemes.lint_origin import (
    acceptance_findings,
    folder_findings,
    header_findings,
    list_findings,
    place_findings,
    read_sources,
    source_findings,
)
from drg.schemes.lint_reach import reach
from drg.schemes.lint_space import Space
from drg.schemes.versions import places_in
from drg.text import text

if TYPE_CHECKING:
    import polars as pl

    from drg.schemes.scheme import Scheme

__all__ = [
    "CODES",
    "SOURCES",
    "LintReport",
    "accepted_findings",
    "broken_finding",
    "lint",
    "lint_scheme",
    "target_lines",
    "unreachable",
]

#: Targets beside schemes: the national code lists, and the register of documents.
CODES, SOURCES = "codes", "sources"
#: Findings of one code that a terminal shows of one scheme; a file has all.
_SHOWN = 20
#: Findings about a code: the base's own wherever else the scheme has it.
_BY_KEY = ("L102",)
#: What is named is no scheme at all, rather than a broken one.
_NOT_A_SCHEME = ("S101", "S104", "S110")

National: TypeAlias = Mapping[str, frozenset[str]]
#: Code, table and key of a finding.
Spot: TypeAlias = tuple[str, str, str]


@dataclass(frozen=True)
class LintReport:
    """What lint found.

    Attributes
    ----------
    targets : tuple of str
        Scheme ids (``id+overlay``), ``codes`` and ``sources``, in the order they were looked at.
    findings : tuple of Finding
        Of all of them, accepted ones and remarks included; by target, then the gravest first.
    """

    targets: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def clean(self) -> bool:
        """Whether no error or warning is left that is not accepted."""
        return not any(finding.counts for finding in self.findings)

    def of(self, target: str) -> tuple[Finding, ...]:
        """Findings of one target."""
        return tuple(finding for finding in self.findings if finding.scheme == target)

    def lines(self, lang: str | None = None, everything: bool = False) -> list[str]:
        """For a terminal: a line a target, under it what is open, then the sum.

        Parameters
        ----------
        lang : {"zh", "en"}, optional
            Language; the context's when omitted.
        everything : bool
            Accepted findings and remarks too, and all of each code.
        """
        by_target = [target_lines(t, self.of(t), lang, everything) for t in self.targets]
        return [line for lines in by_target for line in lines] + self.closing_lines(lang)

    def closing_lines(self, lang: str | None = None) -> list[str]:
        """What stands under the targets: the sum, and where to read on."""
        lines = []
        if len(self.targets) > 1:
            total = text("lint.total", lang, count=f"{len(self.targets):,}")
            lines.append(f"{total}  {_tally(self.findings, lang)}")
        if not self.clean:
            lines.append(text("lint.hint", lang))
        return lines

    def dicts(self, lang: str | None = None) -> list[dict[str, Any]]:
        """Every finding as plain values, for JSON."""
        return [finding.as_dict(lang) for finding in self.findings]

    def frame(self, lang: str | None = None) -> pl.DataFrame:
        """Every finding as a row.

        Returns
        -------
        DataFrame
            ``scheme, code, level, table, key, text, items, accepted, source, reason``;
            ``items`` is list[str], ``accepted`` bool, the others text without nulls.
        """
        import polars as pl

        names = ("scheme", "code", "level", "table", "key", "text", "items", "accepted",
                 "source", "reason")  # fmt: skip
        special: dict[str, pl.DataType] = {"items": pl.List(pl.String()), "accepted": pl.Boolean()}
        schema = {name: special.get(name, pl.String()) for name in names}
        return pl.DataFrame(self.dicts(lang), schema=schema)


def target_lines(
    target: str, found: Sequence[Finding], lang: str | None = None, everything: bool = False
) -> list[str]:
    """A line for a target, and its findings under it (``LintReport.lines``)."""
    lines = [f"{target}  {_tally(found, lang)}"]
    shown: Counter[str] = Counter()
    for finding in found:
        if everything or finding.counts:
            shown[finding.code] += 1
            if everything or shown[finding.code] <= _SHOWN:
                lines.append("  " + finding.line(lang))
            if everything and finding.accepted:
                lines.append(f"    {_accepted(finding.accepted, lang)}")
    if not everything:
        lines += [
            "  " + text("lint.more_of_code", lang, code=code, count=f"{n - _SHOWN:,}")
            for code, n in sorted(shown.items())
            if n > _SHOWN
        ]
    return lines


def lint(
    targets: Sequence[str | Path] = (),
    *,
    compat: str | None = None,
    each: Callable[[str, tuple[Finding, ...]], object] | None = None,
) -> LintReport:
    """Lint schemes, by id or folder; all that are shipped, and what they share, when none is named.

    Parameters
    ----------
    targets : sequence of str or Path
        Scheme ids and folders; ``"codes"`` and ``"sources"`` stand for the national code lists
        and the register of documents.
    compat : str, optional
        Lint the schemes with this overlay laid over them, those that have it.
    each : callable, optional
        Called with every target and its findings as soon as they are known.

    Raises
    ------
    SchemeError
        S101, S104, S110: what is named is no scheme. One that cannot be read is a finding, L100.
    """
    wanted: list[str | Path] = list(targets)
    if not wanted:
        wanted = [s.id for s in list_schemes() if compat is None or compat in s.compat]
        wanted += [] if compat else [CODES, SOURCES]
    run = _Run(compat)
    names: list[str] = []
    findings: list[Finding] = []
    for target in wanted:
        name, found = run.target(target)
        own = tuple(replace(finding, scheme=name) for finding in sorted_findings(found))
        names.append(name)
        findings += own
        if each:
            each(name, own)
    return LintReport(tuple(names), tuple(findings))


def lint_scheme(scheme: Scheme, national: National, base: Scheme | None = None) -> list[Finding]:
    """Findings about the contents of one scheme; those of its base are not taken off.

    Parameters
    ----------
    scheme : Scheme
        Resolved tables.
    national : mapping of {"dx", "px"} to set of str
        The national code lists.
    base : Scheme, optional
        The scheme it extends.
    """
    space = Space(scheme)
    found = reach(scheme, space)
    return [
        *code_findings(scheme, space, found, national, base),
        *group_findings(scheme, found),
    ]


def unreachable(scheme: Scheme) -> frozenset[str]:
    """Groups of a scheme that provably no claim is given (``unreachable_groups``)."""
    return unreachable_groups(scheme, reach(scheme, Space(scheme)))


class _Run:
    """One run: code lists, sources and bases are read once."""

    def __init__(self, compat: str | None) -> None:
        self.compat = compat
        self.sources = read_sources()
        self._national: National | None = None
        self._bases: dict[Path, tuple[Scheme, dict[Spot, Finding]]] = {}

    def target(self, target: str | Path) -> tuple[str, list[Finding]]:
        """Name of a target, and its findings."""
        try:
            if str(target) == CODES:
                return CODES, list(list_findings(self.sources))
            if str(target) == SOURCES:
                places = places_in(tables_root() / "schemes")
                return SOURCES, [*source_findings(self.sources), *place_findings(places)]
            location = locate(target, self.compat)
        except DrgError as error:
            if error.code in _NOT_A_SCHEME:
                raise
            return str(target), [broken_finding(error)]
        return self._scheme(target, location)

    @property
    def national(self) -> National:
        """The national code lists."""
        if self._national is None:
            lists = code_lists("insurance")
            self._national = {k: frozenset(read_national(lists, k)["code"]) for k in KINDS}
        return self._national

    def _scheme(self, target: str | Path, location: SchemeLocation) -> tuple[str, list[Finding]]:
        folder = location.folder
        name = str(folder.header["id"])
        if location.overlay:
            name = f"{name}+{location.overlay.path.name}"
        try:
            scheme = load_location(location)
            base, below = self._base(location.base)
            found = lint_scheme(scheme, self.national, base)
            found = [finding for finding in found if not _inherited(finding, below)]
            found += header_findings(scheme, folder)
        except DrgError as error:
            found = [broken_finding(error)]
        overlays = [
            read_folder(path.parent, path.name)
            for path in sorted(folder.path.glob("compat/*/overlay.toml"))
        ]
        sources = {**self.sources, **read_sources(folder.path)}
        found += folder_findings(folder, overlays, sources)
        if folder.path.parent != tables_root() / "schemes":
            places = [
                p for p in places_in(folder.path.parent) if p.id == folder.header.get("place")
            ]
            found += place_findings(places)
        parts = [part for part in (folder, location.overlay) if part]
        return name, accepted_findings(found, parts, sources)

    def _base(self, folder: Folder | None) -> tuple[Scheme | None, Mapping[Spot, Finding]]:
        if folder is None:
            return None, {}
        if folder.path not in self._bases:
            scheme = load_location(locate(folder.path))
            found = lint_scheme(scheme, self.national)
            by_spot = {_spot(f): f for f in found}
            self._bases[folder.path] = scheme, by_spot
        return self._bases[folder.path]


def accepted_findings(
    found: list[Finding], folders: Sequence[Folder], sources: Mapping[str, Mapping[str, Any]]
) -> list[Finding]:
    """Findings with those marked that a header accepts, and what is wrong with its acceptances.

    Parameters
    ----------
    found : list of Finding
    folders : sequence of Folder
        A scheme's (or catalogue's) own; behind it the overlay that is laid over it, if any.
    sources : mapping of str to mapping
        Register of documents.
    """
    file = folders[0].file
    entries = [entry for folder in folders for entry in folder.header.get("accepted", [])]
    broken = [replace(f, table=file) for f in acceptance_findings(entries, sources)]
    accepted = [_acceptance(entry) for entry in entries if _readable(entry)]
    marked = [
        replace(finding, accepted=next((a for a in accepted if a.covers(finding)), None))
        for finding in found
    ]
    # An overlay changes what the scheme's own entries speak of.
    check = () if len(folders) > 1 else accepted
    return [*marked, *broken, *(replace(f, table=file) for f in _idle(check, marked))]


def broken_finding(error: DrgError, file: str = SCHEME_FILE) -> Finding:
    """L100 for tables that cannot be loaded."""
    return Finding("L100", file, error.code, params={"error": error.message()})


def _spot(finding: Finding) -> Spot:
    table = "" if finding.code in _BY_KEY else finding.table
    return finding.code, table, finding.key


def _inherited(finding: Finding, below: Mapping[Spot, Finding]) -> bool:
    """Whether the base has this finding already, with at least the same codes."""
    other = below.get(_spot(finding))
    if other is None:
        return False
    return finding.code in _BY_KEY or set(finding.items) <= set(other.items)


def _readable(entry: Mapping[str, Any]) -> bool:
    return entry.get("lint") in lint_codes() and isinstance(entry.get("where"), list)


def _acceptance(entry: Mapping[str, Any]) -> Acceptance:
    count = entry.get("count")
    return Acceptance(
        str(entry["lint"]),
        tuple(map(str, entry["where"])),
        str(entry.get("source", "")),
        str(entry.get("reason_zh", "")),
        str(entry.get("reason_en", "")),
        count if isinstance(count, int) else None,
    )


def _idle(accepted: Iterable[Acceptance], found: Sequence[Finding]) -> list[Finding]:
    """Acceptances that cover nothing, or not as much as they say."""
    idle = []
    for entry in accepted:
        covered = [finding for finding in found if entry.covers(finding)]
        names = frozenset[str]().union(*(finding.names for finding in covered))
        lost = [name for name in entry.where if name not in names and name != "*"]
        if not covered and entry.where == ("*",):
            lost = ["*"]
        idle += [
            Finding("L190", "scheme.toml", f"accepted {entry.lint} {name}",
                    params={"lint": entry.lint, "where": name})
            for name in lost
        ]  # fmt: skip
        count = sum(max(1, len(finding.items)) for finding in covered)
        if entry.count is not None and covered and count != entry.count:
            params = {"lint": entry.lint, "said": f"{entry.count:,}", "found": f"{count:,}"}
            idle.append(Finding("L191", "scheme.toml", f"accepted {entry.lint}", params=params))
    return idle


def _tally(findings: Sequence[Finding], lang: str | None) -> str:
    counted = Counter(finding.level for finding in findings if finding.accepted is None)
    numbers = {level: f"{counted[level]:,}" for level in LEVELS}
    accepted = sum(finding.accepted is not None for finding in findings)
    return text("lint.tally", lang, accepted=f"{accepted:,}", **numbers)


def _accepted(entry: Acceptance, lang: str | None) -> str:
    return text("lint.accepted", lang, reason=entry.reason(lang), source=entry.source)
