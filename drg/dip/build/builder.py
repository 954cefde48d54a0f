"""A catalogue from years of claims: history to combinations, groups, scores, auxiliary types.

The same claims give the same catalogue, in whatever order and portions they come.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from drg.dip.build.assign import MATCHING, assign
from drg.dip.build.combinations import capped, patterns_of
from drg.dip.build.form import Vocabulary, form
from drg.dip.build.history import History
from drg.dip.build.scores import score_groups, weights_of_years
from drg.dip.build.settings import BuildError, BuildSettings, decimal_text
from drg.dip.build.types import Typing, try_types
from drg.dip.catalogue import load_catalogue, locate_catalogue, shared_folder
from drg.dip.model import Catalogue, Group
from drg.dip.tables import read_comorbidities, read_kinds
from drg.money import PLACES, round_scaled, unscaled
from drg.paths import tables_root
from drg.schemes.crosswalk import KINDS, code_lists, national_names, read_crosswalk
from drg.text import text

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from drg.dip.build.combinations import Patterns
    from drg.dip.build.form import Formed, Shape
    from drg.dip.build.history import Cases
    from drg.dip.build.scores import Scores

    Ints = NDArray[np.int64]

__all__ = ["Built", "base_catalogue", "build_catalogue", "open_history"]

_MEAN_PLACES = 6
#: What ``tables/sources.toml`` calls a region's own claims.
_CLAIMS = "S-CLAIMS"


@dataclass(frozen=True, slots=True)
class Built:
    """A catalogue and what it rests on.

    Attributes
    ----------
    catalogue : Catalogue
        Without a digest: that is of the folder.
    settings : BuildSettings
    words : Vocabulary
        What the numbers below stand for.
    patterns : Patterns
        Sets of diagnosis and procedures that occur, and each claim's.
    taken : int64 array
        Group of every pattern, a place in ``formed.shapes``; -1: none.
    formed : Formed
    scores : Scores
    typing : Typing
    read, rounded : int
        Claims read; costs with parts of a fen.
    left_out : mapping of str to int
        Claims that do not count, by the reason. With ``scores.overall.cases`` they are all.
    years : mapping of int to int
        Claims that count by year.
    """

    catalogue: Catalogue
    settings: BuildSettings
    words: Vocabulary
    patterns: Patterns
    taken: Ints
    formed: Formed
    scores: Scores
    typing: Typing
    read: int
    rounded: int
    left_out: Mapping[str, int]
    years: Mapping[int, int]

    def taken_cases(self) -> dict[str, int]:
        """Claims that count by class of their group; ``""``: without one."""
        cases = self.patterns.frame["cases"].to_numpy()
        found = {"core": 0, "comprehensive": 0, "": int(cases[self.taken < 0].sum())}
        for shape, figures in zip(self.formed.shapes, self.scores.groups, strict=True):
            found[shape.group_class] += figures.cases
        return found

    def header(self) -> dict[str, Any]:
        """What ``catalogue.toml`` says beside the catalogue itself."""
        settings, scores = self.settings, self.scores
        overall = scores.overall.mean
        score: dict[str, Any] = {
            "method": settings.method,
            "scale": 1 if settings.method == "quota" else settings.scale,
            "places": PLACES,
            "regional_mean": _yuan(overall) if overall is not None else "",
            "base": _yuan(scores.base),
            "years": {str(year): weight for year, weight in scores.weights.items()},
        }
        tables = _origins(settings)
        return {
            "place": settings.place,
            "place_zh": settings.place_zh,
            "year": settings.year or max(scores.weights) + 1,
            "in_force_status": "unknown",
            "in_force_note": text(
                "dip.dip_build.in_force_note", "en", years=", ".join(map(str, self.years))
            ),
            "sources": sorted({entry["source"] for entry in tables.values()}),
            "auxiliary_status": "derived",
            "score": score,
            "build": settings.header(),
            "tables": tables,
        }


def _origins(settings: BuildSettings) -> dict[str, dict[str, str]]:
    """Source and status of each table: of what is taken over, those of the catalogue it is of."""
    own = {"source": _CLAIMS, "status": "derived"}
    found = dict.fromkeys(("groups", "auxiliary"), own)
    for name, id_or_path in (
        ("auxiliary_class", settings.auxiliary),
        ("comorbidity", settings.auxiliary),
        ("procedure_kind", settings.kinds),
    ):
        entry = locate_catalogue(id_or_path).folder.entries.get(name) if id_or_path else None
        if entry is not None and entry.source:
            found[name] = {"source": entry.source, "status": entry.status}
    return found


def base_catalogue(settings: BuildSettings) -> Catalogue:
    """Code lists, kinds and auxiliary classes that a build rests on; no groups.

    Raises
    ------
    SchemeError, TableError
        A catalogue named in the settings is not there or broken.
    BuildError
        D446: a kind that counts has no attribute for comprehensive groups; D452: the id is that of
        a scheme or catalogue that is shipped.
    """
    if any((tables_root() / kind / settings.id).is_dir() for kind in ("dip", "schemes")):
        raise BuildError("D452", id=settings.id)
    matching = MATCHING
    codes = code_lists("insurance")
    shared = shared_folder()
    rows = read_kinds(shared)
    kinds = {code: row.kind for code, row in rows.items()}
    derived = frozenset(code for code, row in rows.items() if row.status == "derived")
    default = matching.kinds[0]
    if settings.kinds:
        own = load_catalogue(settings.kinds)
        kinds, derived, default = dict(own.procedure_kind), own.derived, own.default_kind
        told = own.matching
        matching = replace(matching, kinds=told.kinds, quiet=told.quiet, attributes=told.attributes)
    named = {kind for kinds_of in matching.attributes.values() for kind in kinds_of}
    if lost := [kind for kind in matching.kinds if kind not in named]:
        raise BuildError("D446", kinds=", ".join(lost), where=settings.kinds)
    template = load_catalogue(settings.auxiliary) if settings.auxiliary else None
    return Catalogue(
        settings.id,
        "",
        settings.title_zh,
        settings.title_en,
        groups=(),
        subtypes=(),
        classes=template.classes if template else (),
        conditions=template.conditions if template else (),
        comorbidities=template.comorbidities if template else read_comorbidities(shared),
        procedure_kind=kinds,
        matching=matching,
        dx_names=national_names(codes, "dx"),
        px_names=national_names(codes, "px"),
        default_kind=default,
        derived=derived,
    )


def open_history(base: Catalogue, settings: BuildSettings) -> History:
    """An empty history that reads codes of the settings' edition."""
    if settings.codes == "insurance":
        return History(base, reports=settings.most_reports)
    folder = code_lists(settings.codes)
    walks = {kind: read_crosswalk(folder, kind) for kind in KINDS}
    return History(base, walks, settings.most_reports)


def build_catalogue(history: History, base: Catalogue, settings: BuildSettings) -> Built:
    """Build a catalogue from a history.

    Parameters
    ----------
    history : History
        All claims added.
    base : Catalogue
        From ``base_catalogue``; the history was opened with it.
    settings : BuildSettings

    Raises
    ------
    BuildError
        D443: no claim counts; D444: the years do not fit their weights; D445: no such anchor;
        D450: no group has claims enough.
    """
    found = _years(history.cases())
    weights = weights_of_years(found, settings.years)
    cases = history.keep_years(list(weights))
    patterns = patterns_of(cases, history.diagnoses)
    words = _vocabulary(base, patterns, history)
    combined, sets = capped(patterns, settings.most_related)
    formed = form(combined, sets, words, settings)
    if not formed.shapes:
        raise BuildError("D450", threshold=formed.threshold, claims=f"{len(cases):,}")
    formed, taken = _in_use(formed, assign(patterns, formed, words))
    group = taken[patterns.of_case]
    codes = [shape.code for shape in formed.shapes]
    scores = score_groups(cases, group, codes, settings, weights)
    core = np.array([shape.group_class == "core" for shape in formed.shapes], np.bool_)
    typing = try_types(cases, group, codes, scores.groups, core, base, history.diagnoses, settings)
    catalogue = replace(
        base,
        groups=tuple(_groups(formed.shapes, scores, words, base, settings)),
        subtypes=typing.subtypes,
        classes=_used_classes(base, typing),
    )
    return Built(
        _without_unused(catalogue), settings, words, patterns, taken, formed, scores, typing,
        history.read, history.rounded, dict(history.left_out), _years(cases),
    )  # fmt: skip


def _in_use(formed: Formed, taken: Ints) -> tuple[Formed, Ints]:
    """Without comprehensive groups whose every claim a core group takes."""
    used = np.bincount(taken[taken >= 0], minlength=len(formed.shapes)) > 0
    if used.all():
        return formed, taken
    number = np.where(used, np.cumsum(used) - 1, -1)
    numbered = pl.Series("shape", number)
    place = formed.frame["shape"]
    shapes = tuple(shape for shape, kept in zip(formed.shapes, used, strict=True) if kept)
    frame = formed.frame.with_columns(numbered.gather(place).replace(-1, None).alias("shape"))
    return replace(formed, shapes=shapes, frame=frame), np.where(taken >= 0, number[taken], -1)


def _years(cases: Cases) -> dict[int, int]:
    years, counts = np.unique(cases.year, return_counts=True)
    return dict(zip(years.tolist(), counts.tolist(), strict=True))


def _vocabulary(base: Catalogue, patterns: Patterns, history: History) -> Vocabulary:
    kinds = base.matching.kinds
    listed = list(base.matching.attributes.items())
    attributes = {kind: name for name, kinds_of in reversed(listed) for kind in kinds_of}
    return Vocabulary(patterns.diagnoses, history.procedures, kinds, history.kind_of, attributes)


def _groups(
    shapes: tuple[Shape, ...],
    scores: Scores,
    words: Vocabulary,
    base: Catalogue,
    settings: BuildSettings,
) -> Iterator[Group]:
    names = _category_names(settings) | _subcategory_names(base)
    for shape, figures in zip(shapes, scores.groups, strict=True):
        procedures = [words.procedures[px] for px in shape.procedures]
        yield Group(
            shape.code,
            shape.group_class,
            (shape.diagnosis,),
            tuple((code,) for code in procedures),
            shape.attribute,
            name=_name(shape, procedures, names, base),
            score_e4=figures.score_e4,
            mean_fen=figures.mean_fen,
            days=figures.days,
            cv=figures.cv,
            cases=figures.cases,
            origin="local",
        )


def _name(shape: Shape, procedures: list[str], names: Mapping[str, str], base: Catalogue) -> str:
    """Name of a group in Chinese, as catalogues have it."""
    if shape.attribute:
        kind = base.matching.attributes[shape.attribute][0]
        known = kind in ("surgery", "therapeutic", "diagnostic", "conservative")
        word = text(f"dip.dip_build.wide_{kind}", "zh") if known else shape.attribute
        return f"{names.get(shape.diagnosis, shape.diagnosis)}（{word}）"
    diagnosis = names.get(shape.diagnosis, shape.diagnosis)
    return "：".join(
        [diagnosis, *filter(None, ["+".join(base.px_names[code] for code in procedures)])]
    )


def _category_names(settings: BuildSettings) -> dict[str, str]:
    """Names of categories, as comprehensive groups of the catalogues in use have them."""
    names: dict[str, str] = {}
    for id_or_path in filter(None, dict.fromkeys((settings.kinds, settings.auxiliary))):
        for group in load_catalogue(id_or_path).groups:
            name, mark, _ = group.name.rpartition("（")
            if group.group_class == "comprehensive" and mark and len(group.diagnosis) == 1:
                names.setdefault(group.diagnosis[0], name)
    return names


def _subcategory_names(base: Catalogue) -> dict[str, str]:
    """Name of the first code of every subcategory: the subcategory's own."""
    names: dict[str, str] = {}
    for code in sorted(base.dx_names):
        names.setdefault(code[:5], base.dx_names[code])
    return names


def _used_classes(base: Catalogue, typing: Typing) -> tuple[Any, ...]:
    """Classes of the types that some group has."""
    used = {subtype.subtype for subtype in typing.subtypes}
    types = {row.type for row in base.classes if row.subtype in used}
    return tuple(row for row in base.classes if row.type in types)


def _without_unused(catalogue: Catalogue) -> Catalogue:
    """Only the conditions that its classes name."""
    used = {name for row in catalogue.classes for name in row.conditions}
    return replace(catalogue, conditions=tuple(c for c in catalogue.conditions if c.name in used))


def _yuan(fen: Fraction) -> str:
    """An exact mean in yuan to six places."""
    return (
        decimal_text(Fraction(round_scaled(fen / 100, _MEAN_PLACES), 10**_MEAN_PLACES))
        if fen
        else unscaled(0, 2)
    )
