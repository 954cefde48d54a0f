"""The same case elsewhere: under another scheme, another policy, other numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from drg.dates import Interval
from drg.simulate.alternatives import say
from drg.simulate.answer import Change, ScenarioKind

if TYPE_CHECKING:
    from drg.grouping.base import ClaimGrouper
    from drg.payment.policy import Policy

__all__ = [
    "Other", "grouper_name", "in_order", "on_any_day", "other_case", "other_changes",
    "same_grouping", "scheme_named",
]  # fmt: skip

_KINDS: tuple[ScenarioKind, ...] = ("scheme", "policy", "numbers")


class Other(NamedTuple):
    """The same case elsewhere: under another scheme, policy or numbers.

    Attributes
    ----------
    grouper : ClaimGrouper
    policy : Policy or None
        None: no money is told. Of a policy that pays for groups of another scheme none is told
        either, and the scenario says so.
    kind : {"scheme", "policy", "numbers"}
    label : str
        What differs, such as ``chs-drg-1.1 → chs-drg-2.0`` or ``drg.rates.310 = 9000``.
    changed : tuple of str
        Numbers of its policy that are not the policy's own; of kind ``numbers`` the label where
        none are told.
    """

    grouper: ClaimGrouper
    policy: Policy | None
    kind: ScenarioKind
    label: str
    changed: tuple[str, ...] = ()

    @property
    def numbers(self) -> tuple[str, ...]:
        """Numbers other than the policy's own."""
        return self.changed or ((self.label,) if self.kind == "numbers" else ())


def other_case(
    base: tuple[ClaimGrouper, Policy | None],
    then: tuple[ClaimGrouper, Policy | None],
    numbers: Sequence[str],
    *,
    moved: bool,
    changed: Sequence[str] = (),
) -> Other | None:
    """The same case elsewhere, its kind and label told from what is other there.

    Parameters
    ----------
    base, then : pair of ClaimGrouper and Policy or None
        What groups and pays the case here, and there.
    numbers : sequence of str
        What of the policy's numbers is other there: ``drg.rates.310 = 9000``.
    moved : bool
        Another policy is asked for, or none.
    changed : sequence of str, optional
        All numbers there that are not the policy's own.

    Returns
    -------
    Other or None
        None: nothing is other.
    """
    (here, was), (there, now) = base, then
    parts = []
    if (before := grouper_name(here)) != (after := grouper_name(there)):
        parts.append(f"{before} → {after}")
    if moved and (was or now):
        parts.append(f"{was.id if was else '—'} → {now.id if now else '—'}")
    parts += numbers
    if not parts:
        return None
    kind: ScenarioKind = "numbers"
    if moved and (now is not None or before == after):
        kind = "policy"
    elif before != after:
        kind = "scheme"
    return Other(there, now, kind, "; ".join(parts), tuple(changed))


def grouper_name(grouper: ClaimGrouper) -> str:
    """Its scheme, and the overlay on it."""
    return f"{grouper.scheme_id} + {grouper.compat}" if grouper.compat else grouper.scheme_id


def scheme_named(policy: Policy | None) -> str:
    """The scheme or catalogue whose groups a policy pays, as ``load_grouper`` takes it.

    ``""`` where it names none. A catalogue that it names by its folder stays that folder.
    """
    if policy is None:
        return ""
    if policy.drg is not None:
        return policy.drg.scheme
    return "" if policy.dip is None else policy.dip.catalogue


def on_any_day(policy: Policy) -> Policy:
    """A policy as if it were in force on every day: another year's rules on these claims.

    Its digest stays. Rows of it that hold over days of their own still hold over these alone.
    """
    return policy.model_copy(update={"in_force": Interval()})


def in_order(others: Sequence[Other]) -> list[Other]:
    """Schemes, then policies, then numbers, each in the order given."""
    return sorted(others, key=lambda other: _KINDS.index(other.kind))


def same_grouping(one: ClaimGrouper, other: ClaimGrouper) -> bool:
    """Whether two groupers group every claim alike."""
    return one is other or (one.digest, one.codes) == (other.digest, other.codes)


def other_changes(
    grouper: ClaimGrouper, policy: Policy | None, other: Other, lang: str | None
) -> tuple[Change, ...]:
    """What another scheme, policy or number changes of a case under this one."""
    was, now = policy.id if policy else "", other.policy.id if other.policy else ""
    pairs: list[tuple[ScenarioKind, str, str]] = []
    if not same_grouping(grouper, other.grouper):
        pairs.append(("scheme", grouper.scheme_id, other.grouper.scheme_id))
    if was != now:
        pairs.append(("policy", was, now))
    pairs += [("numbers", "", number) for number in other.numbers]
    return tuple(
        Change(field=kind, title=say(f"title_{kind}", lang), before=before, after=after)
        for kind, before, after in pairs
    )
