"""VersionedGrouper: claims of one place, each under the version in force on its day of discharge.

The day decides and nothing else: where no version was in force, or the day cannot be read, the
claim is NOT_IN_FORCE; the latest version never stands in.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drg.errors import SchemeError
from drg.grouping.base import ClaimGrouper
from drg.grouping.decode import Lookup, Numbers, text_column
from drg.grouping.grouper import Grouper
from drg.grouping.result import GroupResult, Outcome
from drg.schemes.cache import load_compiled
from drg.schemes.catalog import locate, scheme_folder, unknown_scheme
from drg.schemes.compiled import Leaf
from drg.schemes.versions import Place, Version, find_place, places_in

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from drg.claims.model import Claim
    from drg.claims.profiles import ClaimColumns
    from drg.grouping.explain import Step
    from drg.grouping.path import PathLine
    from drg.schemes.crosswalk import Edition

#: No version in force on that day; no day to choose by.
NO_VERSION, NO_DAY = "V501", "V502"
_EPOCH = date(1970, 1, 1)


def load_grouper(
    name: str | Path, compat: str | None = None, codes: str | None = None
) -> ClaimGrouper:
    """The grouper of a scheme, or of a place, whose version each claim's day of discharge chooses.

    Parameters
    ----------
    name : str or Path
        A scheme's id (``"chongqing-2022"``) or folder: that scheme for every claim. Else a
        place's id (``"chongqing"``) or Chinese name, or a folder of the versions of one place.
    compat : str, optional
        Overlay to apply, e.g. ``"opendrg"``.
    codes : {"insurance", "clinical"}, optional
        Edition of the codes in claims; the insurance edition when omitted.

    Raises
    ------
    SchemeError, TableError
        As ``Grouper.load`` and ``VersionedGrouper.load``.
    """
    place = find_place(name) if scheme_folder(name) is None else None
    if place is not None:
        return VersionedGrouper(place, compat, codes)
    return Grouper.load(name, compat, codes)


class VersionedGrouper(ClaimGrouper):
    """Groups claims of one place, each under the version in force on its day of discharge.

    Use ``VersionedGrouper.load``. Immutable, may be shared by threads, and pickles as the place
    and its digest. A single claim loads the version it needs; a frame loads them all, for the
    values of all make up its Enums.
    """

    def __init__(self, place: Place, compat: str | None, codes: str | None) -> None:
        self._place = place
        self._line = place.timeline()
        self._dated = place.dated
        # Headers alone, so that a missing overlay is told before any claim is read.
        self._locations = tuple(locate(version.path, compat, codes) for version in self._dated)
        self._compat = compat or ""
        self._loaded: dict[int, Grouper] = {}

    @classmethod
    def load(
        cls, place: str | Path, compat: str | None = None, codes: str | None = None
    ) -> VersionedGrouper:
        """Find the versions of a place.

        Parameters
        ----------
        place : str or Path
            A place's id (``"chongqing"``) or Chinese name, or a folder that holds the scheme
            folders of one place.
        compat : str, optional
            Overlay to apply; every version must have it.
        codes : {"insurance", "clinical"}, optional
            Edition of the codes in claims; the insurance edition when omitted.

        Raises
        ------
        SchemeError
            S101 no such place; S102 a version lacks the overlay; S107 two versions overlap, S108
            none has dates, S109 the folder holds several places.
        TableError
            A header is broken (T12x). Tables are read when a claim first needs them.
        """
        found = find_place(place)
        if found is None:
            raise unknown_scheme(place)
        return cls(found, compat, codes)

    @property
    def scheme_id(self) -> str:
        """Id of the place."""
        return self._place.id

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) over the days and digests of the versions."""
        content = [self._place.id] + [
            [version.id, *version.interval.texts, location.digest]
            for version, location in zip(self._dated, self._locations, strict=True)
            if version.interval is not None
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    @property
    def compat(self) -> str:
        """Name of the overlay, ``""`` for none."""
        return self._compat

    @property
    def codes(self) -> Edition:
        """Edition of the codes in claims: ``"insurance"`` or ``"clinical"``."""
        return self._locations[0].edition

    @property
    def versions(self) -> tuple[Version, ...]:
        """All versions of the place: those with known dates by date, then the others."""
        return self._place.versions

    def __reduce__(self) -> tuple[Any, ...]:
        folder = str(self._dated[0].path.parent)
        return _unpickle, (folder, self._place.id, self._compat, self.digest, self.codes)

    def __repr__(self) -> str:
        compat = f", compat={self._compat!r}" if self._compat else ""
        codes = f", codes={self.codes!r}" if self.codes != "insurance" else ""
        return f"VersionedGrouper.load({self._place.id!r}{compat}{codes})"

    def at(self, day: date) -> Grouper | None:
        """The grouper of the version in force on a day; None when there is none."""
        number, inside = self._line.at(day)
        return self._grouper(number) if inside else None

    def version(self, scheme_id: str) -> Grouper | None:
        """The grouper of a version by its scheme's id; None where the place has no such version."""
        ids = [version.id for version in self._dated]
        return self._grouper(ids.index(scheme_id)) if scheme_id in ids else None

    def title(self, lang: str = "zh") -> str:
        """The place's name in one language; its id where it has none."""
        return (self._place.name_zh if lang == "zh" else "") or self._place.id

    def group(self, claim: Claim) -> GroupResult:
        """Group one claim under the version in force on its day of discharge.

        Returns
        -------
        GroupResult
            Always; ``scheme`` names the version. NOT_IN_FORCE with V501 where there is none,
            ``nearest_version`` then names the nearest; with V502 where the claim has no day.
        """
        day = claim.discharged_on
        if day is None:
            return self._refused(claim, NO_DAY, None)
        number, inside = self._line.at(day)
        if inside:
            return self._grouper(number).group(claim)
        return self._refused(claim, NO_VERSION, str(self._dated[number]))

    def _refused(self, claim: Claim, reason: str, nearest: str | None) -> GroupResult:
        none = (None,) * 5
        outcome = Outcome.NOT_IN_FORCE
        return GroupResult(claim.claim_id, *none, outcome, reason, None, self.digest, nearest)

    def _grouper(self, number: int) -> Grouper:
        found = self._loaded.get(number)
        if found is None:
            location = self._locations[number]
            loaded = Grouper(location, load_compiled(location), self._compat)
            found = self._loaded.setdefault(number, loaded)
        return found

    def trace(self, claim: Claim) -> tuple[GroupResult, list[Step]]:
        """Group one claim by the reference grouper; the first step tells the choice of version."""
        from drg.grouping.explain import Step, VersionChoice

        day = claim.discharged_on
        number, inside = self._line.at(day) if day else (-1, False)
        version = self._dated[number] if number >= 0 else None
        choice = VersionChoice(day, version if inside else None, None if inside else version)
        first = Step("version", inside, choice, "scheme.toml", "in_force")
        if inside:
            result, steps = self._grouper(number).trace(claim)
            return result, [first, *steps]
        result = self.group(claim)
        return result, [first, Step("result", None, result)]

    def path(self, claim: Claim, lang: str | None = None) -> list[PathLine]:
        """The decision path of one claim as a coder reads it; its second line tells the version."""
        from drg.grouping.path import PathLine, decision_path, told
        from drg.schemes.words import say

        first, *steps = self.explain(claim)
        day = claim.discharged_on
        grouper = self.at(day) if day else None
        if grouper is not None:
            lines = decision_path(steps, grouper.scheme, lang, grouper.reference.interpreter)
        else:
            place = self.title(say("title_language", lang))
            digest = self.digest[:12]
            head = say("head_place", lang, claim=claim.claim_id, place=place, digest=digest)
            lines = [PathLine(head, kind="head"), *(told(step, lang) for step in steps)]
        return [lines[0], told(first, lang), *lines[1:]]

    @property
    def result_schema(self) -> dict[str, pl.DataType]:
        """Names and dtypes of the result columns, in order."""
        import polars as pl

        mapped = {"mapped_codes": pl.String()} if self.codes == "clinical" else {}
        return self._lookup.schema | mapped

    def results_frame(
        self,
        frame: pl.DataFrame,
        columns: ClaimColumns | None = None,
        *,
        threads: int | None = None,
    ) -> pl.DataFrame:
        """Only the result columns of ``group_frame``, one row a claim, in order."""
        import numpy as np
        import polars as pl

        from drg.claims.profiles import match_columns

        columns = columns or match_columns(frame.columns, dict(frame.schema))
        leaf = np.empty(frame.height, np.uint32)
        reason = np.zeros(frame.height, np.uint32)
        severity = np.zeros(frame.height, np.uint8)
        mapped = pl.Series("mapped_codes", [], pl.String).extend_constant(None, frame.height)
        needed = frame.select(columns.sources())
        for standing, rows in self._standings(frame, columns):
            number = standing - len(self._dated) - 1
            if number < 0:
                # No version serves them: the standing is the row of the lookup.
                leaf[rows] = standing
                reason[rows] = standing == len(self._dated)
                continue
            grouper, part = self._grouper(number), _part(needed, rows)
            found = grouper.numbers(part, columns, threads=threads)
            first_leaf, first_reason = self._firsts[number]
            leaf[rows] = found.leaf + np.uint32(first_leaf)
            severity[rows] = found.severity
            reason[rows] = found.reason + np.uint32(first_reason)
            if (codes := grouper.mapped_codes(part, columns)) is not None:
                mapped = mapped.scatter(np.arange(frame.height)[rows], codes)
        results = self._lookup.frame(Numbers(leaf, severity, reason))
        return results if self.codes == "insurance" else results.with_columns(mapped)

    def _standings(
        self, frame: pl.DataFrame, columns: ClaimColumns
    ) -> list[tuple[int, slice | NDArray[np.intp]]]:
        """The rows of each standing: nearest to version i is i, no day n, in version i n + 1 + i.

        n is the number of dated versions. Rows that stand together are a slice.
        """
        import numpy as np

        from drg.claims.days import read_days

        nowhere = len(self._dated)
        source = columns.scalars.get("discharged_on")
        if source is None or not frame.height:
            return [(nowhere, slice(0, frame.height))]
        days = read_days(frame[source]).to_physical()
        edges = np.array([(edge - _EPOCH).days for edge in self._line.edges], np.int32)
        spots = [nowhere + 1 + n if inside else n for n, inside in self._line.spots]
        if not days.null_count():
            ends = np.searchsorted(edges, np.array([days.min(), days.max()], np.int32), "right")
            if ends[0] == ends[1]:  # one month, one version: the rule
                return [(spots[ends[0] - 1], slice(0, frame.height))]
        stretch = np.searchsorted(edges, days.fill_null(0).to_numpy(), "right") - 1
        stand = np.array(spots)[stretch]
        stand[days.is_null().to_numpy()] = nowhere
        found = np.flatnonzero(np.bincount(stand)).tolist()
        return [(standing, _rows(np.flatnonzero(stand == standing))) for standing in found]

    @cached_property
    def _firsts(self) -> list[tuple[int, int]]:
        """Where each version's leaves and reasons begin in the lookup."""
        firsts = []
        leaf, reason = len(self._dated) + 1, 2
        for number in range(len(self._dated)):
            compiled = self._grouper(number).compiled
            firsts.append((leaf, reason))
            leaf += len(compiled.leaves)
            reason += len(compiled.reasons)
        return firsts

    @cached_property
    def _lookup(self) -> Lookup:
        """Rows for each nearest version and for no day, then the leaves of every version."""
        import polars as pl

        outcome = Outcome.NOT_IN_FORCE.value
        refused = Leaf(None, None, None, None, outcome)
        leaves = [refused] * (len(self._dated) + 1)
        reasons = [NO_VERSION, NO_DAY]
        scheme: list[str | None] = [None] * len(leaves)
        nearest: list[str | None] = [*map(str, self._dated), None]
        for number in range(len(self._dated)):
            compiled = self._grouper(number).compiled
            leaves += compiled.leaves
            reasons += compiled.reasons
            scheme += [compiled.id] * len(compiled.leaves)
            nearest += [None] * len(compiled.leaves)
        lookup = Lookup.of(leaves, reasons)
        chosen = {"scheme": text_column(scheme), "nearest_version": text_column(nearest)}
        return lookup._replace(leaves=lookup.leaves.hstack(pl.DataFrame(chosen)))


def _rows(rows: NDArray[np.intp]) -> slice | NDArray[np.intp]:
    first, last = int(rows[0]), int(rows[-1])
    return slice(first, last + 1) if last - first + 1 == len(rows) else rows


def _part(frame: pl.DataFrame, rows: slice | NDArray[np.intp]) -> pl.DataFrame:
    """Some rows of a frame; a slice is not copied."""
    if isinstance(rows, slice):
        return frame.slice(rows.start, rows.stop - rows.start)
    return frame[rows]


def _unpickle(folder: str, place: str, compat: str, digest: str, codes: str) -> VersionedGrouper:
    here = [found for found in places_in(Path(folder), place) if found.id == place]
    if not here:
        return _held(VersionedGrouper.load(place, compat or None, codes), digest)
    return _held(VersionedGrouper(here[0], compat or None, codes), digest)


def _held(grouper: VersionedGrouper, digest: str) -> VersionedGrouper:
    """The grouper, if it is the one that was packed."""
    if grouper.digest != digest:
        found, wanted = grouper.digest[:12], digest[:12]
        raise SchemeError("S105", id=grouper.scheme_id, found=found, wanted=wanted)
    return grouper
