"""Which codes a catalogue knows, and what subcategory or category each of them stands for.

The national lists, three- and four-character diagnoses, and procedures that only the catalogue
names. Reference matcher and compiler both start here; how spellings fold is each one's own affair.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from drg.grouping.reference_case import fold

if TYPE_CHECKING:
    from drg.dip.model import Catalogue

__all__ = ["Place", "Vocabulary", "covered", "covers", "plain_diagnoses"]

_CATEGORY, _SUBCATEGORY = 3, 5


class Place(NamedTuple):
    """What a diagnosis stands for; upper case.

    Attributes
    ----------
    text : str
        The code; for a three- or four-character one the subcategory or category it stands for.
    subcategory : str
        First five characters, ``""`` for a code that stands for its category alone.
    category : str
        First three characters.
    """

    text: str
    subcategory: str
    category: str


class Vocabulary:
    """Known codes of a catalogue, in a fixed order.

    Parameters
    ----------
    catalogue : Catalogue

    Attributes
    ----------
    diagnoses : mapping of str to Place
        National codes, then ``N40.x`` and ``N40`` for every subcategory and category of them. A
        category stands for its ``.x`` subcategory if that is its only one, else for itself alone.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.diagnoses = _places(tuple(catalogue.dx_names))

    @cached_property
    def procedures(self) -> tuple[str, ...]:
        """The national list, then whole codes that only the catalogue's groups name, sorted."""
        terms = {t for g in self._catalogue.groups for term in g.terms for t in term}
        own = {self.procedure(t) for t in terms if not t.endswith("*")}
        return *self._catalogue.px_names, *sorted(own - self._catalogue.px_names.keys())

    def procedure(self, written: str) -> str:
        """The known code that a group's whole code means: the listed one that folds alike."""
        if written in self._catalogue.px_names:
            return written
        same = self._folded.get(fold(written), ())
        return same[0] if len(same) == 1 else written

    @cached_property
    def _folded(self) -> Mapping[str, list[str]]:
        found: defaultdict[str, list[str]] = defaultdict(list)
        for code in self._catalogue.px_names:
            found[fold(code)].append(code)
        return found


# Catalogues mostly know the same codes: the national lists.
@lru_cache(maxsize=2)
def _places(codes: tuple[str, ...]) -> Mapping[str, Place]:
    places: dict[str, Place] = {}
    subcategories: dict[str, dict[str, str]] = {}
    for code in codes:
        folded = code.upper()
        subcategory, category = folded[:_SUBCATEGORY], folded[:_CATEGORY]
        places[code] = Place(folded, subcategory, category)
        subcategories.setdefault(category, {}).setdefault(subcategory, code[:_SUBCATEGORY])
    for category, under in subcategories.items():
        for subcategory, written in under.items():
            places.setdefault(written, Place(subcategory, subcategory, category))
        only = next(iter(under)) if len(under) == 1 else ""
        if only[_CATEGORY:] == ".X":
            places.setdefault(category, Place(only, only, category))
        else:
            places.setdefault(category, Place(category, "", category))
    return places


def covers(pattern: str, place: Place) -> bool:
    """Whether a diagnosis is in a range of categories, or begins with a pattern.

    Parameters
    ----------
    pattern : str
        As in ``Condition.secondary`` and ``Comorbidity.codes``: ``C00-D48``, ``K80``, ``K80.1``,
        ``I12.0``, a code; a final ``*`` means nothing.
    place : Place
    """
    first, dash, last = pattern.upper().partition("-")
    if dash:
        return first[:_CATEGORY] <= place.category <= last[:_CATEGORY]
    return place.text.startswith(first.removesuffix("*"))


# Cases and their alternatives have the same few diagnoses; a catalogue has thousands of patterns.
@lru_cache(maxsize=1 << 15)
def covered(patterns: tuple[str, ...], place: Place) -> bool:
    """Whether one of the patterns ``covers`` a diagnosis."""
    return any(covers(pattern, place) for pattern in patterns)


def plain_diagnoses(diagnosis: Iterable[str]) -> tuple[str, ...]:
    """A group's diagnoses in upper case, each once, without those that another one covers."""
    wanted = list(dict.fromkeys(d.upper() for d in diagnosis))
    ranges = [d.partition("-")[::2] for d in wanted if "-" in d]
    categories = {d for d in wanted if len(d) == _CATEGORY}
    return tuple(
        d
        for d in wanted
        if "-" in d
        or not (
            (len(d) > _CATEGORY and d[:_CATEGORY] in categories)
            or any(low[:_CATEGORY] <= d[:_CATEGORY] <= high[:_CATEGORY] for low, high in ranges)
        )
    )
