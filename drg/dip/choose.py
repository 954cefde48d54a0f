"""Which of several groups: terms are met or not, then comparators in order narrow what fits.

The readable statement of the rule: the reference matcher, and whoever asks with plain expressions,
use it; the kernel is tested against it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from drg.dip.grammar import Terms, parse_terms

__all__ = ["Candidate", "Choice", "Fit", "Loss", "choose", "fit_terms", "narrow"]

_PREFIX = "*"
#: What a comparator sees of a claim: its first procedure and its cost in fen.
_Key = Callable[["Fit", "str | None", "int | None"], int]


class Candidate(NamedTuple):
    """A group as the choice sees it.

    Attributes
    ----------
    code : str
        Group code; the smallest wins where nothing else decides.
    terms : str or Terms
        ``a+b/c``: ``a`` and any of ``b`` and ``c``; empty: no procedure that counts.
    mean_fen : int or None
        Mean cost in fen.
    score_e4 : int or None
        Score × 10⁴.
    rank : int
        Place of the group's type in the type order, from 0.
    """

    code: str
    terms: str | Terms = ()
    mean_fen: int | None = None
    score_e4: int | None = None
    rank: int = 0

    @property
    def parsed(self) -> Terms:
        """Terms, read from text if need be."""
        return parse_terms(self.terms) if isinstance(self.terms, str) else self.terms


class Fit(NamedTuple):
    """A candidate whose terms are met, and by what.

    Attributes
    ----------
    candidate : Candidate
    met : tuple of int
        Numbers of the met terms.
    procedures : tuple of str
        Distinct procedures of the claim that are among the met terms' alternatives, in order.
    leading : tuple of str
        Those among the first term's alternatives.
    whole : int
        Met terms that are met by a whole code, not just by a prefix.
    """

    candidate: Candidate
    met: tuple[int, ...] = ()
    procedures: tuple[str, ...] = ()
    leading: tuple[str, ...] = ()
    whole: int = 0


class Loss(NamedTuple):
    """A fitting candidate that lost: at which comparator, with what key, to which best key."""

    fit: Fit
    comparator: str
    key: int | str
    best: int | str


class Choice(NamedTuple):
    """What was chosen.

    Attributes
    ----------
    code : str or None
        The chosen candidate's; None: none fits.
    decided_by : str or None
        The comparator that left one; None if no more than one fitted.
    fits : tuple of Fit
        All that fit, in the order given.
    losses : tuple of Loss
        All that lost, in the order in which they did.
    costless : bool
        ``nearest_mean`` would have been asked, but the cost is not known.
    """

    code: str | None
    decided_by: str | None
    fits: tuple[Fit, ...]
    losses: tuple[Loss, ...]
    costless: bool = False


def choose(
    candidates: Sequence[Candidate],
    procedures: Sequence[str],
    *,
    principal: str | None,
    cost_fen: int | None,
    comparators: Sequence[str],
    related: Literal["all", "most"] = "all",
    quiet_only: bool = False,
) -> Choice:
    """Choose among candidates of one diagnosis.

    Parameters
    ----------
    candidates : sequence of Candidate
        Codes unique.
    procedures : sequence of str
        The claim's known procedures, a repeated one as often as it is reported.
    principal : str or None
        The claim's reported principal procedure.
    cost_fen : int or None
        The claim's total cost; None: not known, and no mean is nearest.
    comparators : sequence of str
        Of ``drg.dip.model.COMPARATORS``, in order; ``group_code`` is implied at the end.
    related : {"all", "most"}
        ``all``: every term has to be met. ``most``: only the first one has to be.
    quiet_only : bool
        None of the procedures counts: what a candidate without terms asks for.

    Examples
    --------
    >>> pair = [Candidate("g1", "51.2300"), Candidate("g2", "51.8800/51.8700")]
    >>> asked = {"principal": "51.2300", "cost_fen": None}
    >>> choose(pair, ["51.2300", "51.8800"], comparators=["reported_principal"], **asked)[:2]
    ('g1', 'reported_principal')
    """
    fits = []
    for candidate in candidates:
        if candidate.terms:
            found = fit_terms(candidate, procedures, related)
        else:
            found = Fit(candidate) if quiet_only or not procedures else None
        if found is not None:
            fits.append(found)
    return narrow(fits, principal=principal, cost_fen=cost_fen, comparators=comparators)


def fit_terms(
    candidate: Candidate, procedures: Sequence[str], related: Literal["all", "most"] = "all"
) -> Fit | None:
    """The candidate's fit with these procedures; None if a term that has to be met is not.

    A term that a candidate has twice asks for two reports of its procedures.
    """
    met: list[int] = []
    hits: set[str] = set()
    leading: tuple[str, ...] = ()
    whole = 0
    asked: Counter[frozenset[str]] = Counter()
    for number, term in enumerate(candidate.parsed):
        asked[frozenset(term)] += 1
        times = asked[frozenset(term)]
        found = [code for code in procedures if _is_of(code, term)]
        if len(found) < times:
            if related == "all" or number == 0:
                return None
            continue
        met.append(number)
        hits.update(found)
        whole += sum(code in term for code in found) >= times
        if number == 0:
            leading = tuple(dict.fromkeys(found))
    ordered = tuple(dict.fromkeys(code for code in procedures if code in hits))
    return Fit(candidate, tuple(met), ordered, leading, whole)


def narrow(
    fits: Sequence[Fit], *, principal: str | None, cost_fen: int | None, comparators: Sequence[str]
) -> Choice:
    """Let comparators choose among candidates that fit; parameters as of ``choose``."""
    left, losses = list(fits), list[Loss]()
    decided_by, costless = None, False
    for name in comparators:
        if len(left) < 2:
            break
        if name == "group_code":
            continue
        if name == "nearest_mean":
            if any(fit.candidate.mean_fen is None for fit in left):
                continue
            if cost_fen is None:
                costless = True
                continue
        keys = [_KEYS[name](fit, principal, cost_fen) for fit in left]
        best = max(keys)
        lost = [(fit, key) for fit, key in zip(left, keys, strict=True) if key != best]
        losses += [Loss(fit, name, key, best) for fit, key in lost]
        left = [fit for fit, key in zip(left, keys, strict=True) if key == best]
        if len(left) == 1:
            decided_by = name
    if len(left) > 1:
        decided_by = "group_code"
        first = min(left, key=lambda fit: fit.candidate.code)
        losses += [
            Loss(fit, decided_by, fit.candidate.code, first.candidate.code)
            for fit in left
            if fit is not first
        ]
        left = [first]
    code = left[0].candidate.code if left else None
    return Choice(code, decided_by, tuple(fits), tuple(losses), costless)


def _is_of(code: str, term: Sequence[str]) -> bool:
    return any(
        code.startswith(part[:-1]) if part.endswith(_PREFIX) else code == part for part in term
    )


def _score(fit: Fit) -> int:
    score = fit.candidate.score_e4
    return -1 if score is None else score


def _distance(fit: Fit, cost_fen: int | None) -> int:
    mean = fit.candidate.mean_fen
    assert mean is not None
    assert cost_fen is not None
    return abs(mean - cost_fen)


#: Keys of the comparators; the greatest is the best.
_KEYS: dict[str, _Key] = {
    "most_terms": lambda fit, principal, cost: len(fit.met),
    "all_terms": lambda fit, principal, cost: len(fit.met) == len(fit.candidate.parsed),
    "most_procedures": lambda fit, principal, cost: len(fit.procedures),
    "reported_principal": lambda fit, principal, cost: principal in fit.procedures,
    "leading_principal": lambda fit, principal, cost: principal in fit.leading,
    "full_code": lambda fit, principal, cost: fit.whole,
    "highest_score": lambda fit, principal, cost: _score(fit),
    "nearest_mean": lambda fit, principal, cost: -_distance(fit, cost),
    "type_order": lambda fit, principal, cost: -fit.candidate.rank,
}
