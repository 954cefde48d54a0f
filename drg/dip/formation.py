"""How a catalogue forms from combinations of a history, stated readably (spec B.1).

A combination is a diagnosis subcategory with its principal procedure and the related ones.
Related procedures that add little fold back; combinations with enough cases become core groups;
the others collapse by diagnosis category and kind of the principal procedure into comprehensive
groups; what still has too few cases is dropped. ``drg.dip.build`` does the same on millions of
claims.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

from drg.dip.errors import DipError, Number, exact, not_negative, positive

__all__ = [
    "LEAST_INCREASE",
    "Combination",
    "Comprehensive",
    "Formation",
    "RelatedTest",
    "coverage_threshold",
    "fold_related",
    "form_catalogue",
    "related_test",
]

#: A related procedure makes a group of its own from this increase of the mean cost on.
LEAST_INCREASE = Fraction("0.1")


class Combination(NamedTuple):
    """Cases of one diagnosis with the same procedures.

    Attributes
    ----------
    diagnosis : str
        Subcategory, such as ``C54.1``; its first three characters are the category.
    procedures : tuple of str
        The principal one first; empty: conservative. One that is reported twice, as of both
        sides, stands twice.
    cases : int
    kind : str
        Kind of the principal procedure, of ``drg.dip.model.KINDS``.
    total : int or None
        Cost of the cases in fen; None: not known.
    """

    diagnosis: str
    procedures: tuple[str, ...]
    cases: int
    kind: str = "conservative"
    total: int | None = None

    @property
    def mean(self) -> Fraction | None:
        """Mean cost in fen; None where the costs or cases are not known."""
        return None if self.total is None or not self.cases else Fraction(self.total, self.cases)


class Comprehensive(NamedTuple):
    """A comprehensive group: category, kind, and the combinations it collapses."""

    category: str
    kind: str
    combinations: tuple[Combination, ...]

    @property
    def cases(self) -> int:
        """Cases of all its combinations."""
        return sum(combination.cases for combination in self.combinations)


class Formation(NamedTuple):
    """What becomes of the combinations, each part in the order given.

    Attributes
    ----------
    core : tuple of Combination
    comprehensive : tuple of Comprehensive
    dropped : tuple of Combination
        Too few cases, even collapsed: their claims stay without a group.
    """

    core: tuple[Combination, ...]
    comprehensive: tuple[Comprehensive, ...]
    dropped: tuple[Combination, ...]


class RelatedTest(NamedTuple):
    """By how much a related procedure raises the mean cost, and whether it stays a group."""

    increase: Fraction
    keep: bool


def related_test(
    base_mean: Number, related_mean: Number, threshold: Number = LEAST_INCREASE
) -> RelatedTest:
    """Whether a related procedure makes a group of its own: at least the threshold dearer.

    Parameters
    ----------
    base_mean, related_mean : Number
        Mean cost with the principal procedure alone, and with the related one.
    threshold : Number, optional
        Increase from which on it does, inclusive.

    Raises
    ------
    DipError
        D401–D403: a number that cannot be; the base must be above zero.

    Examples
    --------
    >>> related_test(28033, 28849).keep, related_test(28033, 44003).keep
    (False, True)
    """
    base = positive(base_mean, "base mean cost")
    increase = not_negative(related_mean, "mean cost with the related procedure") / base - 1
    return RelatedTest(increase, increase >= exact(threshold, "threshold"))


def fold_related(
    combinations: Sequence[Combination], threshold: Number = LEAST_INCREASE
) -> tuple[Combination, ...]:
    """Combinations after related procedures that add too little are folded back.

    A combination with related procedures is compared with the principal procedure alone, by the
    mean costs before anything is folded, so the order does not matter. It stays where there is no
    such combination, or costs are not known.

    Parameters
    ----------
    combinations : sequence of Combination
        Each pair of diagnosis and procedures once.
    threshold : Number, optional
        As of ``related_test``.

    Raises
    ------
    DipError
        D401; D402: a principal procedure alone that costs nothing; D414: a combination given twice.

    Examples
    --------
    >>> stent, look = "36.0700x004", "88.5600"
    >>> alone = Combination("I21.0", (stent,), 100, "surgery", 280_330_000)
    >>> both = Combination("I21.0", (stent, look), 50, "surgery", 144_245_000)
    >>> [(c.procedures, c.cases) for c in fold_related([both, alone])]
    [(('36.0700x004',), 150)]
    """
    known = _by_key(combinations)
    folded: dict[tuple[str, tuple[str, ...]], Combination] = dict(known)
    for key, combination in known.items():
        diagnosis, procedures = key
        alone = (diagnosis, procedures[:1])
        if len(procedures) < 2 or alone not in known:
            continue
        base, mean = known[alone].mean, combination.mean
        if base is None or mean is None or related_test(base, mean, threshold).keep:
            continue
        into = folded[alone]
        folded[alone] = into._replace(
            cases=into.cases + combination.cases,
            total=(into.total or 0) + (combination.total or 0),
        )
        del folded[key]
    return tuple(folded.values())


def coverage_threshold(cases: Iterable[int], share: Number = "0.95") -> int:
    """The highest number of cases at which the combinations with as many cover a share of all.

    Parameters
    ----------
    cases : iterable of int
        Cases of each combination.
    share : Number, optional
        Above 0, at most 1.

    Returns
    -------
    int
        At least 1.

    Raises
    ------
    DipError
        D401; D415: a share that is none.

    Examples
    --------
    >>> coverage_threshold([50, 30, 16, 4])
    16
    """
    wanted = exact(share, "coverage")
    if not 0 < wanted <= 1:
        raise DipError("D415", where="coverage", value=share)
    counts = sorted((n for n in cases if n > 0), reverse=True)
    total, covered = sum(counts), 0
    for count in counts:
        covered += count
        if covered >= wanted * total:
            return count
    return 1


def form_catalogue(combinations: Sequence[Combination], threshold: int) -> Formation:
    """Core groups, comprehensive groups and what is dropped.

    Parameters
    ----------
    combinations : sequence of Combination
        Each pair of diagnosis and procedures once; related procedures already folded.
    threshold : int
        Least number of cases of a group: 15 in an ordinary prefecture, at least 50 in a pool of a
        whole province, or ``coverage_threshold``.

    Raises
    ------
    DipError
        D402: a threshold below one; D414: a combination given twice.

    Examples
    --------
    >>> few = [Combination("C54.1", ("68.4902",), 14, "surgery"),
    ...        Combination("C54.9", ("68.4901",), 10, "surgery")]
    >>> [(g.category, g.kind, g.cases) for g in form_catalogue(few, 15).comprehensive]
    [('C54', 'surgery', 24)]
    """
    positive(threshold, "threshold")
    _by_key(combinations)
    core = tuple(c for c in combinations if c.cases >= threshold)
    families: dict[tuple[str, str], list[Combination]] = {}
    for combination in combinations:
        if combination.cases < threshold:
            families.setdefault((combination.diagnosis[:3], combination.kind), []).append(
                combination
            )
    groups = [Comprehensive(*family, tuple(members)) for family, members in families.items()]
    kept = tuple(group for group in groups if group.cases >= threshold)
    dropped = tuple(c for g in groups if g.cases < threshold for c in g.combinations)
    return Formation(core, kept, dropped)


def _by_key(
    combinations: Sequence[Combination],
) -> dict[tuple[str, tuple[str, ...]], Combination]:
    found: dict[tuple[str, tuple[str, ...]], Combination] = {}
    for combination in combinations:
        key = (combination.diagnosis, combination.procedures)
        if key in found:
            code = f"{combination.diagnosis}:{'+'.join(combination.procedures)}"
            raise DipError("D414", combination=code)
        found[key] = combination
    return found
