"""From a plan's tree to the checked plan: names, rows, segments, digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from itertools import combinations, pairwise
from typing import Any

from drg.benefits.people import meet, place_of
from drg.benefits.plan import Plan
from drg.benefits.terms import AT_HOME, CARES, Backstop, Row, Who
from drg.payment.policy.drafted import drafted
from drg.payment.policy.errors import PolicyError, near
from drg.payment.policy.read import Draft, Shape
from drg.payment.policy.register import Codes, Register

__all__ = ["REGISTER", "build_plan"]

_LAYERS = ("basic", "critical", "assistance")
_SECTIONS = ("names", "means", *_LAYERS, "backstops")
#: Values of a key that a file does not give.
_NOTHING: tuple[Any, ...] = (None, (), "", "absolute", {})
#: What a plan gives names to.
_NAMED = ("off_site", "category", "region")


def build_plan(draft: Draft) -> Plan:
    """Validate a tree and hold the plan to the rules.

    Raises
    ------
    PolicyError
        P461-P469 as in a policy; B408-B416.
    """
    plan = drafted(draft, Plan)
    file = str(draft.file)
    if not (plan.basic or plan.critical or plan.assistance or plan.backstops):
        raise PolicyError("B416", where=file)
    _check_names(plan, file)
    for layer in _LAYERS:
        terms = getattr(plan, layer)
        if terms is not None:
            if not terms.rows:
                raise PolicyError("B416", where=f"{file} [{layer}]")
            for name, row in terms.rows.items():
                _check_row(plan, row, f"{layer}.rows.{name}", file, visit=layer == "basic")
            _apart(terms.rows, f"{layer}.rows", file)
    for number, (name, backstop) in enumerate(plan.backstops.items()):
        _check_backstop(plan, backstop, f"backstops.{name}", file, first=number == 0)
    return plan.model_copy(update={"digest": _digest(plan)})


def _check_names(plan: Plan, file: str) -> None:
    for kind in plan.names:
        if kind not in _NAMED:
            raise PolicyError("P461", where=file, path=f"names.{kind}", near=near(kind, _NAMED))
    known = {kind: [*plan.names.get(kind, ())] for kind in _NAMED}
    known["off_site"].append(AT_HOME)
    known["care"] = [*CARES]
    for path, who in plan.whos():
        for kind, names in known.items():
            for name in getattr(who, kind):
                if name not in names:
                    raise PolicyError("B408", where=file, path=f"{path}.{kind}", name=name,
                                      near=near(name, names))  # fmt: skip
    for kind, given in plan.names.items():
        spelled = [(text, name) for name, others in given.items() for text in (name, *others)]
        found: dict[str, str] = {}
        for text, name in spelled:
            if found.setdefault(text, name) != name:
                raise PolicyError("B409", where=file, path=f"names.{kind}", text=text,
                                  first=found[text], second=name)  # fmt: skip


def _open(plan: Plan, path: str) -> set[str]:
    """Keys of a row that are left for the user to supply."""
    return {key.removeprefix(f"{path}.") for key in plan.wanted if key.startswith(f"{path}.")}


def _check_row(plan: Plan, row: Row, path: str, file: str, *, visit: bool) -> None:
    left = _open(plan, path)
    said = {key for key in Row.model_fields if getattr(row, key) not in _NOTHING}
    starts = (said | left) & {"start", "start_ratio", "start_of_income"}
    if len(starts) != 1:
        raise PolicyError("B410", where=file, path=path)
    if not visit and (key := next(iter(said & {"start_ratio", "start_next"}), "")):
        raise PolicyError("B411", where=file, path=f"{path}.{key}")
    if said & {"start_min", "start_max"} and "start_ratio" not in starts:
        raise PolicyError("B411", where=file, path=f"{path}.start_min")
    if row.start_min is not None and row.start_max is not None and row.start_min > row.start_max:
        raise PolicyError("B412", where=file, path=f"{path}.start_max")
    _check_ratios(row, (said | left) & {"ratio", "segments"}, path, file)


def _check_ratios(row: Row, given: set[str], path: str, file: str) -> None:
    if len(given) != 1:
        raise PolicyError("B413", where=file, path=path)
    bounds = [segment.to for segment in row.segments]
    if None in bounds[:-1]:
        raise PolicyError("B412", where=file, path=f"{path}.segments.{bounds.index(None)}.to")
    for number, (low, high) in enumerate(pairwise(bounds), start=1):
        if low is not None and high is not None and high <= low:
            raise PolicyError("B412", where=file, path=f"{path}.segments.{number}.to")


def _check_backstop(plan: Plan, row: Backstop, path: str, file: str, *, first: bool) -> None:
    left = {key.partition(".")[0] for key in _open(plan, path)}
    said = left | {key for key in Backstop.model_fields if getattr(row, key) not in _NOTHING}
    ways = [key for key in ("ceiling", "ceilings") if key in said]
    by_ratio = bool(said & {"ratio", "segments"})
    # Beside a ceiling there is nothing else to reckon with.
    idle = said & (Row.model_fields.keys() - Who.model_fields.keys()) if ways else set()
    if len(ways) + by_ratio != 1 or idle:
        raise PolicyError("B414", where=file, path=path)
    for region in row.ceilings:
        known = [*plan.names.get("region", {})]
        if region not in known:
            raise PolicyError("B408", where=file, path=f"{path}.ceilings", name=region,
                              near=near(region, known))  # fmt: skip
    if by_ratio:
        _check_row(plan, row, path, file, visit=False)
        # What a person has borne is known before all backstops and after all, not between them,
        # nor what one of several has paid.
        counted = row.start or row.start_of_income or row.segments
        if (counted and not first) or (row.cap is not None and len(plan.backstops) > 1):
            raise PolicyError("B415", where=file, path=path)


def _apart(rows: Mapping[str, Row], path: str, file: str) -> None:
    """No person has two rows, neither of which says more."""
    places = {name: place_of(row) for name, row in rows.items()}
    for first, second in combinations(rows, 2):
        if places[first] == places[second] and meet(rows[first], rows[second]):
            raise PolicyError("P473", where=file, path=path, scope="—", first=first, second=second)


def _digest(plan: Plan) -> str:
    """SHA-256 over all that decides a payment: dates, insurances, names, numbers."""
    said: Any = plan.model_dump(mode="json", include={"in_force", "insurances", *_SECTIONS})
    for name, backstop in said["backstops"].items():
        said["backstops"][name] = _untitled(backstop.items())
    # The order of regions and of backstops counts, so keys are not sorted.
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _untitled(items: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {key: value for key, value in items if not key.startswith("title_")}


REGISTER = Register(
    name="benefits",
    kind=Plan,
    shape=Shape(_SECTIONS),
    build=build_plan,
    codes=Codes("B401", "B402", "B403", "B404", "B405", "B406", "B407"),
)
