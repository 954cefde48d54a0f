"""Findings of the grouping stage as frames: which code or value, why, and how to mend it.

The kernel says which rows have something to tell. What is told of codes is told once for each
distinct spelling; checks are told by the reference grouper, once for claims whose cells are alike,
and only a claim that lacks a value some rule needed takes its whole decision path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import polars as pl

from drg.claims.row import claim_of
from drg.grouping.code_findings import CodeFindings, code_entries
from drg.grouping.explain import MissingValue, Step
from drg.grouping.fields import COLUMN_OF_FIELD
from drg.grouping.grouper import Grouper
from drg.grouping.result import Outcome
from drg.grouping.versions import VersionedGrouper
from drg.schemes.crosswalk import KINDS
from drg.schemes.rules import Codes, Compare, OneOf, State, iter_atoms
from drg.text import text

if TYPE_CHECKING:
    from drg.claims.profiles import ClaimColumns
    from drg.dip.grouper import DipGrouper
    from drg.grouping.base import ClaimGrouper
    from drg.grouping.edition_findings import EditionCheck
    from drg.schemes.scheme import CheckRow

__all__ = ["GroupingFindings"]

#: Reasons that say, of such claims, that no check has anything to note: a note goes before them.
_BELOW_NOTES = ("N401", "N402", "N403", "U202", "U203")
_NOTED_BY_REASON = (Outcome.GROUPED, Outcome.UNGROUPABLE)
_MISSING = "E130"
_FOUND = pl.Schema(
    {"row": pl.UInt32(), "order": pl.Int64(), "code": pl.String(), "about": pl.String()}
)
_LAST = (1 << 62) - 1
_PRINCIPAL = "principal_dx"
#: Claims told apart by the cells that the checks look at.
_REMEMBERED = 100_000


class GroupingFindings:
    """Finds what grouping has to say of claims.

    Parameters
    ----------
    grouper : ClaimGrouper
        The scheme, or the versions of a place, to check against.
    editions : EditionCheck
        Adds what the edition of the codes gives to look at.
    lang : str
        Language of the words.
    """

    def __init__(self, grouper: ClaimGrouper, editions: EditionCheck, lang: str) -> None:
        self._grouper = grouper
        self._editions = editions
        self._lang = lang
        self._codes: dict[str, CodeFindings] = {}
        self._checked: dict[tuple[str, str | None], dict[Any, tuple[tuple[str, str], ...]]] = {}

    def find(
        self, frame: pl.DataFrame, columns: ClaimColumns, results: pl.DataFrame
    ) -> pl.DataFrame:
        """What there is to say of the claims of a frame.

        Parameters
        ----------
        frame : DataFrame
            Claims.
        columns : ClaimColumns
            Which columns feed which field.
        results : DataFrame
            Their results.

        Returns
        -------
        DataFrame
            ``row`` (from 0), ``outcome``, ``reason`` (of the claim), ``source`` (the version it was
            read by; null where one scheme is named), ``code``, ``concerns``; in the order of the
            rows, and of each row checks, missing values, codes, the reason.
        """
        edition = self._editions.concerns(frame, columns, results)
        rows = (results["reason"].is_not_null() | edition).arg_true()
        told = frame.select(columns.sources())[rows]
        kept = results.select(
            pl.col("outcome", "reason").cast(pl.String),
            *(pl.col(n).cast(pl.String) for n in _CHOSEN if n in results.columns),
        )[rows]
        kept = kept.with_columns(at=pl.int_range(pl.len(), dtype=pl.UInt32))
        parts = [self._of_version(told, kept, scheme, columns) for scheme in _versions(kept)]
        found = pl.concat(parts) if parts else pl.DataFrame(schema=_FOUND)
        semicolon = text("explain.semicolon", self._lang)
        about = pl.col("about").filter(pl.col("about") != "").unique(maintain_order=True)
        grouped = (
            found.sort("row", "order", maintain_order=True)
            .group_by("row", "code", maintain_order=True)
            .agg(about.str.join(semicolon).alias("concerns"))
        )
        at = grouped["row"]
        scheme = kept["scheme"].gather(at) if "scheme" in kept.columns else pl.lit(None, pl.String)
        return grouped.select(
            rows.gather(at).alias("row"),
            kept["outcome"].gather(at),
            kept["reason"].gather(at),
            scheme.alias("source"),
            "code",
            "concerns",
        )

    def _of_version(
        self,
        told: pl.DataFrame,
        kept: pl.DataFrame,
        scheme: str | None,
        columns: ClaimColumns,
    ) -> pl.DataFrame:
        """Findings of the rows that one version read, or that none did."""
        if "scheme" in kept.columns:
            kept = kept.filter(pl.col("scheme").eq_missing(scheme))
            told = told[kept["at"]]
        if scheme is None and self._grouper.versions:
            return self._not_in_force(told, kept, columns)
        grouper = self._read_by(scheme)
        entries = {kind: code_entries(told, columns, kind) for kind in KINDS}
        codes = self._codes.get(scheme or "")
        if codes is None:
            spellings = grouper.reference.spellings
            codes = CodeFindings(spellings, self._editions, self._lang)
            self._codes[scheme or ""] = codes
        of_codes = codes.find(entries)
        checked = _found(self._of_checks(grouper, told, kept, columns))
        # The reason itself, where neither a check nor a code tells it.
        reasons = kept.select(pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"), code="reason")
        reasons = reasons.drop_nulls()
        for told_already in (checked, of_codes):
            reasons = reasons.join(told_already, on=["row", "code"], how="anti")
        named = reasons.join(codes.names(entries), on="row", how="left").with_columns(
            pl.lit(_LAST).alias("order"), pl.col("about").fill_null("")
        )
        found = pl.concat(f.select(_FOUND.names()).cast(_FOUND) for f in (checked, of_codes, named))
        return found.with_columns(row=kept["at"].gather(found["row"]))

    def _read_by(self, scheme: str | None) -> Grouper | DipGrouper:
        """The grouper of one scheme: this one, or of the version of that id."""
        if isinstance(self._grouper, VersionedGrouper):
            found = self._grouper.version(scheme or "")
            assert found is not None, scheme
            return found
        return cast("Grouper | DipGrouper", self._grouper)

    def _of_checks(
        self,
        grouper: Grouper | DipGrouper,
        told: pl.DataFrame,
        kept: pl.DataFrame,
        columns: ClaimColumns,
    ) -> Iterator[tuple[int, int, str, str]]:
        """Checks that hold and values that a rule needed: row, order, code, words."""
        if not isinstance(grouper, Grouper):
            return  # a catalogue has no checks
        quiet = pl.col("reason").is_null() | pl.col("reason").is_in(_BELOW_NOTES)
        pathless = grouper.scheme.flags.missing_value == "reject"
        if pathless:
            quiet &= pl.col("outcome").is_in(_NOTED_BY_REASON)
            asked = kept.with_row_index("place").filter(~quiet)
        else:  # any rule may have needed a value that the claim lacks
            asked = kept.with_row_index("place").with_columns(outcome=None, reason=None)
        for (outcome, reason), part in asked.group_by("outcome", "reason", maintain_order=True):
            places = part["place"]
            if pathless and reason != _MISSING:
                refused = str(reason) if outcome == Outcome.REJECTED else None
                yield from self._alike(grouper, refused, told, places, columns)
                continue
            for row, cells in zip(places, told[places].iter_rows(named=True), strict=True):
                steps = grouper.trace(claim_of(cells, columns))[1]
                for order, (code, about) in enumerate(self._of_steps(steps, cells, columns)):
                    yield row, order, code, about

    def _alike(
        self,
        grouper: Grouper,
        refused: str | None,
        told: pl.DataFrame,
        places: pl.Series,
        columns: ClaimColumns,
    ) -> Iterator[tuple[int, int, str, str]]:
        """Checks of claims that all were refused for one reason, or none of which was.

        Claims with the same cells in what these checks look at are told once.
        """
        checks = _looked_at(grouper.scheme.checks, refused)
        if not checks:
            return
        keys = _cells_of(checks, told, columns)
        known = self._checked.setdefault((grouper.scheme_id, refused), {})
        if len(known) > _REMEMBERED:
            known.clear()
        rows = told.select(pl.int_range(pl.len()) * 0, *(keys or ()))[places].rows()
        for row, key in zip(places, rows, strict=True):
            if keys is None or key not in known:
                cells = told.row(row, named=True)
                steps = grouper.reference.checks(claim_of(cells, columns))
                known[key] = tuple(self._of_steps(steps, cells, columns))
            for order, (code, about) in enumerate(known[key]):
                yield row, order, code, about

    def _of_steps(
        self, steps: Iterable[Step], cells: Mapping[str, object], columns: ClaimColumns
    ) -> Iterator[tuple[str, str]]:
        for step in steps:
            if step.kind == "check" and step.holds:
                check = cast("CheckRow", step.subject)
                yield check.check, self._check_concerns(step, cells, columns)
            elif step.kind == "missing":
                missing = cast(MissingValue, step.subject)
                yield _MISSING, self._cell(missing.field, cells, columns)

    def _not_in_force(
        self, told: pl.DataFrame, kept: pl.DataFrame, columns: ClaimColumns
    ) -> pl.DataFrame:
        """Findings of rows for whose day there is no version: the day, and the nearest one."""
        lang, semicolon = self._lang, text("explain.semicolon", self._lang)
        rows = []
        standings = zip(kept["at"], kept["reason"], kept["nearest_version"], strict=True)
        for (at, reason, nearest), cells in zip(standings, told.iter_rows(named=True), strict=True):
            about = self._cell("discharged_on", cells, columns)
            if nearest:
                about += semicolon + text("cli.nearest_version", lang, nearest=nearest)
            rows.append((at, 0, reason, about))
        return _found(rows)

    def _check_concerns(
        self, step: Step, cells: Mapping[str, object], columns: ClaimColumns
    ) -> str:
        codes = [match.reading.written for match in step.codes]
        rule = cast("CheckRow", step.subject).rule
        fields = dict.fromkeys(
            atom.field for atom in iter_atoms(rule) if isinstance(atom, Compare | OneOf | State)
        )
        return text("explain.comma", self._lang).join(
            codes + [self._cell(field, cells, columns) for field in fields]
        )

    def _cell(self, field: str, cells: Mapping[str, object], columns: ClaimColumns) -> str:
        """A field of the claim under the file's own column name, as the file has it.

        Of a case that comes from no file: under its title.
        """
        title = text(f"explain.field_{field}", self._lang)
        if field == _PRINCIPAL:
            source: str | None = columns.diagnoses[0]
        else:
            source = columns.scalars.get(COLUMN_OF_FIELD.get(field, field))
        alone = not columns.profile
        if source is None:
            entry = "cli.not_reported" if alone else "cli.no_column"
            return text(entry, self._lang, field=title)
        value = cells[source]
        if isinstance(value, list):
            value = columns.separator.join("" if part is None else str(part) for part in value)
        empty = value is None or str(value).strip() == ""
        if alone and empty:
            return text("cli.not_reported", self._lang, field=title)
        shown = text("cli.empty_cell", self._lang) if empty else value
        return f"{title if alone else source}={shown}"


def _looked_at(checks: Sequence[CheckRow], refused: str | None) -> list[CheckRow]:
    """Checks that can hold for claims refused by one of them, or for claims that none refused."""
    notes = [check for check in checks if check.level != "stop"]
    if refused is None:
        return notes
    last = next((check for check in checks if check.check == refused), None)
    return [] if last is None else [c for c in notes if c.order < last.order] + [last]


def _cells_of(
    checks: Sequence[CheckRow], told: pl.DataFrame, columns: ClaimColumns
) -> list[pl.Expr] | None:
    """The cells that decide checks and the words on them; None: any cell may."""
    sources: dict[str, bool] = {}
    for atom in (atom for check in checks for atom in iter_atoms(check.rule)):
        field = getattr(atom, "field", None)
        whole = field == _PRINCIPAL
        if whole or (isinstance(atom, Codes) and (atom.position, atom.kind) == ("principal", "dx")):
            source: str | None = columns.diagnoses[0]
        elif field is not None:
            source, whole = columns.scalars.get(COLUMN_OF_FIELD.get(field, field)), True
        else:
            return None
        if source is not None:
            sources[source] = sources.get(source, False) or whole
    return [
        _cell_of(told, source, columns, whole).alias(str(n))
        for n, (source, whole) in enumerate(sources.items())
    ]


def _cell_of(told: pl.DataFrame, source: str, columns: ClaimColumns, whole: bool) -> pl.Expr:
    """A cell as something that can be compared: all of it, or its first code."""
    cell = pl.col(source)
    joined = columns.diagnoses_joined and source == columns.diagnoses[0]
    if isinstance(told.schema[source], pl.List):
        if not whole:
            return cell.list.first()
        return cell.list.eval(pl.element().cast(pl.String).fill_null("")).list.join("\0")
    if joined and not whole:
        return cell.cast(pl.String).str.split(columns.separator).list.first()
    return cell


_CHOSEN = ("scheme", "nearest_version")


def _versions(kept: pl.DataFrame) -> list[str | None]:
    if "scheme" not in kept.columns:
        return [None]
    return kept["scheme"].unique(maintain_order=True).to_list()


def _found(rows: Iterable[tuple[int, int, str, str]]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=_FOUND, orient="row")
