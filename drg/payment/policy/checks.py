"""What no single number shows: sources that are not there, rows that overlap, sums too large."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any, get_args

from pydantic import BaseModel

from drg.money import PLACES, yuan
from drg.paths import tables_root
from drg.payment.policy import BedDay, DayFactor, DayRate, Policy, Provenance
from drg.payment.policy.errors import PolicyError, near
from drg.payment.policy.read import SECTIONS, Draft, Leaf, documents_of
from drg.payment.pricing.levels import level_of
from drg.payment.weight_table import WeightTable, insurance_code
from drg.text import text

__all__ = ["check_origins", "check_rows", "check_sizes"]

_INT64 = 2**63
_SCALE = 10**PLACES
#: Decimal places of a share, as ``drg.payment.policy.numbers`` has them.
_SHARE = 10**6
#: Days of the longest stay that is priced by the day.
_LONGEST = 3660
#: Weight that is reckoned with where the policy leaves the weights open.
_HEAVIEST = 1000 * _SCALE
#: Score of a case that is reckoned with, scaled: a hundred times the dearest ones published.
_HIGHEST_SCORE = 10**7 * _SCALE
_SUPPLIED = "supplied"
#: Numbers that stand in a file of their own.
_DISEASES = ("per_disease", "table")
#: What a file may say; the other one is for numbers that the user gives.
_KNOWN: tuple[str, ...] = tuple(
    status
    for status in get_args(Provenance.model_fields["status"].annotation)
    if status != _SUPPLIED
)


def check_origins(given: Mapping[tuple[str, ...], tuple[Leaf, Any]], draft: Draft) -> None:
    """Every number has a document that is registered, and a status.

    Raises
    ------
    PolicyError
        P465 no document or status, P466 not registered, P467 no such status.
    """
    known = documents_of(tables_root()) | draft.documents
    for path, (leaf, value) in given.items():
        source, status = leaf.origin.source, leaf.origin.status
        where, at = leaf.file, ".".join(path)
        if status == _SUPPLIED and leaf.origin.by_user:
            continue
        if not (source and status) and (_has_number(value) or path == _DISEASES):
            raise PolicyError("P465", where=where, path=at)
        if source and source not in known:
            raise PolicyError("P466", where=where, path=at, source=source,
                              near=near(source, sorted(known)))  # fmt: skip
        if status and status not in _KNOWN:
            raise PolicyError("P467", where=where, path=at, status=status,
                              known=", ".join(_KNOWN))  # fmt: skip
    if (status := draft.header.get("in_force_status", "unknown")) not in (*_KNOWN, "unknown"):
        raise PolicyError("P467", where=str(draft.file), path="in_force_status", status=status,
                          known=", ".join((*_KNOWN, "unknown")))  # fmt: skip
    for source in draft.header.get("sources", ()):
        if source not in known:
            raise PolicyError("P466", where=str(draft.file), path="sources", source=source,
                              near=near(str(source), sorted(known)))  # fmt: skip


def check_rows(policy: Policy, file: str) -> None:
    """No two rows hold for one scope on one day, and no price is nothing.

    Raises
    ------
    PolicyError
        P462 a price of zero, or a day of the stay without factor; P473 two rows of one scope.
    """
    if drg := policy.drg:
        for n, row in enumerate(drg.rates):
            if not row.rate:
                _refuse(file, f"drg.rates.{n}.rate", "0", "not_positive")
        _apart(drg.rates, "drg.rates", file, lambda r: ())
        _apart(drg.coefficients, "drg.coefficients", file, lambda r: (r.group,))
    if dip := policy.dip:
        _apart(dip.point_values, "dip.point_values", file, lambda r: ())
        _apart(dip.pay_ratios, "dip.pay_ratios", file, lambda r: ())
        _apart(dip.coefficients, "dip.coefficients", file, lambda r: (r.group,))
    for entry in policy.bed_day:
        path = f"bed_day.{entry.id}"
        for n, rate in enumerate(entry.rates):
            if not rate.per_diem:
                _refuse(file, f"{path}.rates.{n}.per_diem", "0", "not_positive")
            if rate.to_day is not None and rate.to_day < rate.from_day:
                _refuse(file, f"{path}.rates.{n}.to_day", str(rate.to_day), "days")
        _apart(entry.rates, f"{path}.rates", file, lambda r: (r.category,), days=True)
        _check_factors(entry, file)


def check_sizes(policy: Policy, tables: Sequence[WeightTable], file: str) -> None:
    """Products of the largest numbers stay below 2⁶³.

    Raises
    ------
    PolicyError
        P477: they do not; names the numbers.
    """
    for path, amount in _amounts(policy):
        if amount * _SHARE >= _INT64:
            raise PolicyError("P477", where=file, path=path, product=f"{amount} × 10⁶")
    if drg := policy.drg:
        weight = max((max(t.weights.values()) for t in tables), default=_HEAVIEST)
        rate = max((row.rate for row in drg.rates), default=0)
        most = max((row.coefficient for row in drg.coefficients), default=Fraction(1))
        if weight * rate * most * _SCALE >= _INT64:
            product = f"{weight / _SCALE:.4f} × {yuan(rate)} × {float(most):g}"
            raise PolicyError("P477", where=file, path="drg.rates", product=product)
    if dip := policy.dip:
        value = max((row.yuan for row in dip.point_values), default=Fraction(1))
        most = max((row.coefficient for row in dip.coefficients), default=Fraction(1))
        if _HIGHEST_SCORE * value * most * 100 >= _INT64:
            product = f"{_HIGHEST_SCORE // _SCALE} × {float(value):g} × {float(most):g}"
            raise PolicyError("P477", where=file, path="dip.point_values", product=product)
    for entry in policy.bed_day:
        price = max((row.per_diem for row in entry.rates), default=entry.base or 0)
        factors = [f.factor for f in entry.factors] + [*entry.category_factors.values()]
        most = max((*factors, Fraction(1)))
        if price * _LONGEST * most * _SHARE >= _INT64:
            product = f"{yuan(price)} × {_LONGEST} × {float(most):g}"
            raise PolicyError("P477", where=file, path=f"bed_day.{entry.id}", product=product)


def _refuse(file: str, path: str, value: str, why: str) -> None:
    raise PolicyError("P462", where=file, path=path, value=value, why=text(f"policies.why_{why}"))


def _apart(
    rows: Sequence[Any], path: str, file: str, key: Callable[[Any], tuple[str, ...]],
    days: bool = False,
) -> None:  # fmt: skip
    """Refuse two rows that hold for the same case."""
    same: dict[tuple[str, ...], list[Any]] = {}
    for row in rows:
        place = (insurance_code(row.insurance), level_of(row.hospital_level), row.hospital)
        same.setdefault((*place, *key(row)), []).append(row)
    for scope, found in same.items():
        for first, second in combinations(found, 2):
            if first.in_force.overlaps(second.in_force) and not (
                days and _days_apart(first, second)
            ):
                raise PolicyError(
                    "P473", where=file, path=path, scope=" ".join(filter(None, scope)) or "—",
                    first=_told(first), second=_told(second),
                )  # fmt: skip


def _days_apart(first: DayRate | DayFactor, second: DayRate | DayFactor) -> bool:
    low, high = sorted((first, second), key=lambda row: row.from_day)
    return low.to_day is not None and low.to_day < high.from_day


def _told(row: Any) -> str:
    if isinstance(row, DayRate):
        return f"{row.from_day}-{row.to_day or '…'} {row.in_force}"
    return str(row.in_force)


def _check_factors(entry: BedDay, file: str) -> None:
    """Factors by day follow each other without a gap from day 1."""
    expected = 1
    for n, factor in enumerate(entry.factors):
        path = f"bed_day.{entry.id}.factors.{n}"
        if factor.from_day != expected:
            _refuse(file, f"{path}.from_day", str(factor.from_day), "gap")
        last = factor.to_day is None
        if last != (n == len(entry.factors) - 1) or (factor.to_day or expected) < expected:
            _refuse(file, f"{path}.to_day", str(factor.to_day or "—"), "days")
        expected = (factor.to_day or 0) + 1


def _has_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, int | Fraction):
        return True
    return any(map(_has_number, _inside(value)))


def _amounts(policy: Policy) -> Iterator[tuple[str, int]]:
    """Every whole number of a policy with its path: fen, days, counts."""
    for section in SECTIONS:
        yield from _integers(getattr(policy, section), section)


def _integers(value: Any, path: str) -> Iterator[tuple[str, int]]:
    if isinstance(value, int) and not isinstance(value, bool):
        yield path, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _integers(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from _integers(part, f"{path}.{name}")
    elif isinstance(value, tuple):
        for n, part in enumerate(value):
            yield from _integers(part, f"{path}.{getattr(part, 'id', n)}")


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, BaseModel):
        return [getattr(value, name) for name in type(value).model_fields]
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, tuple) else ()
