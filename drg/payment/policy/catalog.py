"""Policies of ``tables/policies`` and of one's own: found, merged, validated, held to the rules.

A policy is ``<place>/<year>.toml`` with its tables beside it (docs/policies.md). Whatever is
impossible in one is refused with file, path of the number and mend (P460-P479).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

from drg.dates import Interval, Month
from drg.paths import tables_root
from drg.payment.policy import Policy, Provenance
from drg.payment.policy.build import build_policy
from drg.payment.policy.errors import PolicyError, near
from drg.payment.policy.read import Draft, merged, read_draft
from drg.payment.policy.supply import supply_numbers
from drg.payment.policy.tables import fill_tables

__all__ = ["PolicyError", "list_policies", "load_policy", "origin_of"]

#: A chain of policies that extend each other is no longer than this.
_DEEPEST = 4
_SUFFIX = ".toml"
#: Status of dates that no document gives: such a policy is never chosen by month.
_UNKNOWN = "unknown"


def load_policy(
    wanted: str | Path, *, supply: Mapping[str, str] | None = None, on: Month | None = None
) -> Policy:
    """Load one policy, whole and checked.

    Parameters
    ----------
    wanted : str or Path
        ``"haerbin-2024"``; ``"haerbin"`` or ``"哈尔滨"``: the policy of the place in force over
        the whole month ``on``; or the path of a TOML file. A place's other names (``also``) do
        as well: ``"harbin"``, ``"harbin-2024"``.
    supply : mapping of str to str, optional
        Path of a number to its text: numbers that the policy leaves open, or others than its own.
        Their status becomes ``supplied``.
    on : Month, optional
        Month to be settled; a policy that is not in force over all of it is refused.

    Returns
    -------
    Policy

    Raises
    ------
    PolicyError
        P460-P474, P477-P479: no such policy, or it cannot be used.
    SupplyError
        P476: the policy has no such number.
    TableError
        T102-T104, T120, T170-T184: a file of it is missing, changed or broken.
    """
    file = _file(wanted, on)
    draft = _draft(file, ())
    supply_numbers(draft, supply or {})
    policy = build_policy(draft)
    if on is not None and not _covers(policy.in_force, on.days):
        raise PolicyError("P472", where=str(file), id=policy.id, on=on, in_force=policy.in_force)
    return policy


def list_policies() -> tuple[Policy, ...]:
    """Every policy of ``tables/policies``, by place and date.

    Raises
    ------
    PolicyError
        P470: two policies of a place hold for one insurance on one day; and what ``load_policy``
        raises.
    """
    found = sorted(
        (build_policy(_draft(path, ())) for path in _shipped()),
        key=lambda policy: (policy.place, policy.in_force.texts, policy.id),
    )
    for first, second in combinations(found, 2):
        if first.place == second.place and first.in_force.overlaps(second.in_force):
            both = set(first.insurances) & set(second.insurances)
            if both or not (first.insurances and second.insurances):
                raise PolicyError("P470", where=str(_folder() / first.place), place=first.place,
                                  first=first.id, second=second.id)  # fmt: skip
    return tuple(found)


def origin_of(policy: Policy, path: str) -> Provenance | None:
    """Where a number stands: its own document, or that of the table or section around it.

    Parameters
    ----------
    policy : Policy
    path : str
        Such as ``"month.retention"`` or ``"drg.rates.0.rate"``.
    """
    while path:
        if found := policy.provenance.get(path):
            return found
        path = path.rpartition(".")[0]
    return None


# ---- finding


def _folder() -> Path:
    return tables_root() / "policies"


def _shipped() -> list[Path]:
    return sorted(_folder().glob(f"*/*{_SUFFIX}"))


def _id(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


def _file(wanted: str | Path, on: Month | None) -> Path:
    text = str(wanted)
    if text.lower().endswith(_SUFFIX):
        return Path(wanted)
    ids = {_id(path): path for path in _shipped()}
    if text in ids:
        return ids[text]
    places = {path.parent.name for path in ids.values()}
    shipped = list_policies()
    for policy in shipped:
        if text in (f"{name}-{ids[policy.id].stem}" for name in policy.also):
            return ids[policy.id]
    versions = [p for p in shipped if text in (p.place, p.place_zh, *p.also)]
    if not versions:
        known = [*ids, *sorted(places)]
        raise PolicyError("P460", where=str(_folder()), id=text, near=near(text, known))
    if on is None:
        if len(versions) == 1:
            return ids[versions[0].id]
        raise PolicyError("P479", where=text, ids=", ".join(p.id for p in versions))
    dated = [p for p in versions if p.in_force_status != _UNKNOWN]
    there = [p for p in dated if _covers(p.in_force, on.days)]
    if len(there) != 1:
        if there:
            raise PolicyError("P479", where=text, ids=", ".join(p.id for p in there))
        listed = ", ".join(f"{p.id} {p.in_force}" for p in versions)
        raise PolicyError("P471", where=text, on=on, known=listed)
    return ids[there[0].id]


def _covers(outer: Interval, inner: Interval) -> bool:
    """Whether every day of a month lies in an interval."""
    return (outer.start is None or (inner.start is not None and outer.start <= inner.start)) and (
        outer.end is None or (inner.end is not None and inner.end <= outer.end)
    )


def _draft(file: Path, below: Sequence[Path]) -> Draft:
    """A policy's tree with what it extends underneath."""
    draft = read_draft(file)
    fill_tables(draft)
    draft.header.setdefault("id", file.stem)
    shipped = file.resolve().is_relative_to(_folder().resolve())
    if shipped and draft.header["id"] != _id(file):
        raise PolicyError("P478", where=str(file), id=draft.header["id"], wanted=_id(file))
    base = draft.header.pop("extends", "")
    if not base:
        return draft
    path = file.parent / base if str(base).endswith(_SUFFIX) else None
    if path is None:
        ids = {_id(p): p for p in _shipped()}
        if base not in ids:
            raise PolicyError("P460", where=str(file), id=base, near=near(str(base), [*ids]))
        path = ids[base]
    if path in (file, *below) or len(below) >= _DEEPEST:
        raise PolicyError("P474", where=str(file), id=base)
    return merged(_draft(path, (*below, file)), draft)
