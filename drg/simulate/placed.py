"""Where a case is, in words: results of grouping with the names of what they name."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from drg.dip.grouper import DipGrouper
from drg.grouping.grouper import Grouper
from drg.grouping.result import GroupResult, Outcome
from drg.grouping.versions import VersionedGrouper
from drg.money import PLACES, unscaled
from drg.reasons import reason_title
from drg.simulate.answer import Grouping
from drg.text import language

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from drg.grouping.base import ClaimGrouper

__all__ = ["Placer", "results_of"]

#: Result columns that a ``GroupResult`` holds under their own name.
_PLAIN = (
    "mdc", "adrg", "group", "group_name", "severity", "reason", "nearest_version", "group_class",
    "auxiliary", "decided_by",
)  # fmt: skip
#: Answers kept at the most; a scheme's own are fewer.
_KEPT = 50_000


class _Names(NamedTuple):
    """Titles of one scheme or catalogue, and names of what stands above its groups."""

    titles: Mapping[str, str]
    mdcs: Mapping[str, str]
    adrgs: Mapping[str, str]
    digest: str


class Placer:
    """Words the results of one grouper; names are read when first asked for.

    Immutable, may be shared by threads.

    Parameters
    ----------
    grouper : ClaimGrouper
    """

    def __init__(self, grouper: ClaimGrouper) -> None:
        self.grouper = grouper
        self._kept: dict[tuple[Any, ...], Grouping] = {}

    def answer(self, result: GroupResult, lang: str | None = None) -> Grouping:
        """One result in words.

        Parameters
        ----------
        result : GroupResult
            Of this grouper.
        lang : {"zh", "en"}, optional
            Language; the context's when omitted.
        """
        lang = lang or language()
        key = (lang, *result[1:])
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            found = self._kept.setdefault(key, self._made(result, lang))
        return found

    def _made(self, result: GroupResult, lang: str) -> Grouping:
        names = self._names_of(result.scheme)
        score = result.score_e4
        return Grouping(
            scheme=result.scheme,
            scheme_title=names.titles[lang],
            digest=result.digest,
            kind=self.grouper.kind,
            outcome=result.outcome.value,
            mdc=result.mdc,
            mdc_name=names.mdcs.get(result.mdc or ""),
            adrg=result.adrg,
            adrg_name=names.adrgs.get(result.adrg or ""),
            group=result.group,
            group_name=result.group_name,
            severity=result.severity,
            reason=result.reason,
            reason_title=reason_title(result.reason, lang) if result.reason else "",
            nearest_version=result.nearest_version,
            group_class=result.group_class,
            auxiliary=result.auxiliary,
            decided_by=result.decided_by,
            score=None if score is None else unscaled(score, PLACES),
        )

    def digest_of(self, scheme: str | None) -> str:
        """Digest of the scheme that a result names; of the place's versions where none does."""
        return self._names_of(scheme).digest

    def _names_of(self, scheme: str | None) -> _Names:
        grouper = self.grouper
        if not isinstance(grouper, VersionedGrouper):
            return self._names
        found = grouper.version(scheme) if scheme else None
        if found is None:
            return _Names(
                {"zh": grouper.title("zh"), "en": grouper.title("en")}, {}, {}, grouper.digest
            )
        return self._versions.setdefault(found.scheme_id, Placer(found))._names

    @cached_property
    def _versions(self) -> dict[str, Placer]:
        return {}

    @cached_property
    def _names(self) -> _Names:
        grouper = self.grouper
        if isinstance(grouper, DipGrouper):
            book = grouper.catalogue
            titles = {"zh": book.title_zh or book.id, "en": book.title_en or book.id}
            return _Names(titles, {}, {row.code: row.name for row in book.groups}, grouper.digest)
        if not isinstance(grouper, Grouper):
            raise TypeError(f"no grouper that is known: {grouper!r}")
        scheme = grouper.scheme
        return _Names(
            {lang: scheme.title(lang) for lang in ("zh", "en")},
            {row.mdc: row.name for row in scheme.mdcs},
            {row.adrg: row.name for row in reversed(scheme.adrgs)},
            grouper.digest,
        )


def results_of(placer: Placer, grouped: pl.DataFrame) -> list[GroupResult]:
    """The rows of a grouped frame as results.

    Parameters
    ----------
    placer : Placer
        Of the grouper that grouped them.
    grouped : DataFrame
        ``group_frame`` or ``results_frame``.

    Returns
    -------
    list of GroupResult
        One a row, in order; ``claim_id`` is ``""``.
    """
    grouper = placer.grouper
    names = [name for name in grouper.result_schema if name != "mapped_codes"]
    own = None if "scheme" in names else grouper.scheme_id
    found = []
    for row in grouped.select(names).iter_rows(named=True):
        scheme = row["scheme"] if own is None else own
        score = row.get("score")
        found.append(
            GroupResult(
                claim_id="",
                outcome=Outcome(row["outcome"]),
                scheme=scheme,
                digest=placer.digest_of(scheme),
                score_e4=None if score is None else int(score.scaleb(PLACES)),
                **{name: row.get(name) for name in _PLAIN},
            )
        )
    return found
