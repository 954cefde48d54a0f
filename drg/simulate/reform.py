"""Reforms of a policy: copy-on-write amendments of a checked one, with their lineage.

A reformed policy is a policy like any other: checked by all rules, with a digest of its own. It
shares with its base every part that it does not change. A reform may also begin with another
policy altogether, such as another year's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drg.dip.catalogue import catalogue_folder
from drg.payment.policy import Policy
from drg.payment.policy.checks import check_rows, check_sizes
from drg.payment.policy.digest import disease_table, policy_digest, weight_tables
from drg.payment.policy.whole import check_whole, unsaid
from drg.simulate.amend import amended
from drg.simulate.change import POLICY, SCHEME, Change, WhatIfError, read_change
from drg.simulate.lineage import Amended, differences, reformed_provenance

if TYPE_CHECKING:
    from drg.grouping.base import ClaimGrouper

__all__ = ["Amended", "Reform", "Reformed", "WhatIfError", "reform_policy"]

_DIGEST = 12
_WEIGHTS = "drg.weights"
#: Paths of a policy that name its scheme: to change one is to group the claims anew.
_NAMES_SCHEME = (SCHEME, "drg.scheme", "dip.catalogue")


@dataclass(frozen=True)
class Reform:
    """What is to be different: numbers, names and tables of a policy, or the grouping scheme.

    Parameters
    ----------
    label : str
        Name of the reform, as reports show it.
    changes : tuple of Change
        In the order in which they apply; each sees what those before it made.
    scheme : str, optional
        Grouping scheme, catalogue or place in place of the baseline's.
    policy : str, optional
        Policy in place of the baseline, to which the changes apply.
    """

    label: str
    changes: tuple[Change, ...] = ()
    scheme: str | None = None
    policy: str | None = None

    @classmethod
    def of(
        cls,
        texts: Iterable[str | Change],
        label: str = "",
        scheme: str | None = None,
        policy: str | None = None,
    ) -> Reform:
        """A reform from changes as a user writes them (``drg.simulate.change``).

        Parameters
        ----------
        texts : iterable of str or Change
            ``"scheme = chs-drg-2.0"`` among them names the scheme, ``"policy = haerbin-2023"``
            another policy.
        label : str, optional
            The changes themselves when omitted.
        scheme, policy : str, optional
            As if they were among the changes.

        Raises
        ------
        WhatIfError
            G420 a change that cannot be read, G421 no change at all, G428 two schemes or two
            policies.

        Examples
        --------
        >>> Reform.of(["drg.rates -3%", "drg.outliers.low = 0.4"]).label
        'drg.rates -3%; drg.outliers.low = 0.4'
        """
        changes = [one if isinstance(one, Change) else read_change(one) for one in texts]
        kept: list[Change] = []
        named = {POLICY: policy, SCHEME: scheme}
        for change in changes:
            path = SCHEME if change.path in _NAMES_SCHEME else change.path
            if path not in named:
                kept.append(change)
            elif change.how != "set" or named[path] not in (None, change.value):
                raise WhatIfError("G428", where=label, text=str(change))
            else:
                named[path] = change.value
        given = [Change(path, "set", value) for path, value in named.items() if value is not None]
        if not kept and not given:
            raise WhatIfError("G421", where=label)
        # One line, whatever it was written on: it names a row of tables.
        label = " ".join(label.split()) or "; ".join(map(str, (*given, *kept)))
        return cls(label, tuple(kept), named[SCHEME], named[POLICY])


@dataclass(frozen=True)
class Reformed:
    """A policy with a reform in it.

    Attributes
    ----------
    label : str
        The reform's; ``""``: the baseline itself.
    policy : Policy
        Checked; its ``id`` is that of the policy it was made of, its digest its own.
    base : str
        ``id@digest`` of the baseline.
    lineage : tuple of Amended
        Every number that differs from the baseline, after ``policy`` where that is another one.
    """

    label: str
    policy: Policy
    base: str
    lineage: tuple[Amended, ...] = ()

    @property
    def name(self) -> str:
        """``id@digest`` of the base, and the label."""
        return f"{self.base} + {self.label}" if self.label else self.base

    @property
    def metadata(self) -> dict[str, str]:
        """What a file of results says of the policy: enough to make it again."""
        told = {
            "drg.policy": self.policy.id,
            "drg.policy_digest": self.policy.digest,
        }
        if not self.label:
            return told
        changed = "\n".join(f"{one.path}: {one.before} → {one.after}" for one in self.lineage)
        return told | {
            "drg.base": self.base, "drg.reform": self.label, "drg.reform_changes": changed,
        }  # fmt: skip


def reform_policy(
    policy: Policy,
    reform: Reform,
    grouper: ClaimGrouper | None = None,
    other: Policy | None = None,
) -> Reformed:
    """Put a reform into a policy.

    Parameters
    ----------
    policy : Policy
        Is not changed.
    reform : Reform
    grouper : ClaimGrouper, optional
        Of the reform's scheme, where it names one.
    other : Policy, optional
        The policy that the reform names.

    Raises
    ------
    WhatIfError
        G421 a change that changes nothing; G422-G424; G426 a scheme of the other kind, G427 weights
        that belong to another scheme, G433 no ``other`` for a reform that names one.
    PolicyError, SupplyError, TableError
        The reformed policy cannot be: as ``load_policy``.

    Examples
    --------
    >>> from drg.payment.policy.catalog import load_policy
    >>> base = load_policy("demo-2024")
    >>> made = reform_policy(base, Reform.of(["drg.rates.310 = 9000"]))
    >>> made.lineage
    (Amended(path='drg.rates.310', before='12252.70', after='9000.00'),)
    >>> made.policy.drg.outliers is base.drg.outliers
    True
    """
    if reform.policy is not None and other is None:
        raise WhatIfError("G433", where=reform.label, policy=reform.policy)
    started = changed = policy if other is None else other
    if reform.scheme is not None:
        changed = _under(changed, reform, grouper)
    for change in reform.changes:
        after = amended(changed, change)
        if not differences(changed, after):
            raise WhatIfError("G421", where=str(change))
        changed = after
    where = f"{started.id} + {reform.label}"
    tables = weight_tables(changed)
    check_rows(changed, where)
    check_sizes(changed, tables, where)
    check_whole(changed, where)
    _same_scheme(changed, tables, where, reform)
    open_now = unsaid(changed)
    given = differences(started, changed)
    wanted = {
        path: why
        for path, why in {**open_now, **started.wanted}.items()
        if path in open_now or not _given(path, given)
    }
    digest = policy_digest(changed, tables, disease_table(changed))
    if digest == policy.digest and reform.scheme is None:
        raise WhatIfError("G421", where=where)
    made = changed.model_copy(
        update={
            "wanted": wanted,
            "provenance": reformed_provenance(started, changed, reform.label),
            "digest": digest,
        }
    )
    lineage = given
    if other is not None:
        lineage = (Amended(POLICY, name_of(policy), name_of(other)), *differences(policy, changed))
    return Reformed(reform.label, made, name_of(policy), lineage)


def name_of(policy: Policy) -> str:
    """``id@digest``, as a priced claim names its policy."""
    return f"{policy.id}@{policy.digest[:_DIGEST]}"


def _under(policy: Policy, reform: Reform, grouper: ClaimGrouper | None) -> Policy:
    """The policy for claims of another scheme; one that checks no scheme goes on checking none."""
    assert reform.scheme is not None
    by_score = policy.dip is not None and policy.drg is None
    kind = grouper.kind if grouper is not None else None
    is_dip = kind == "dip" if kind else catalogue_folder(reform.scheme) is not None
    if is_dip != by_score:
        raise WhatIfError("G426", where=reform.label, scheme=reform.scheme, policy=policy.id)
    if by_score:
        assert policy.dip is not None
        return policy.model_copy(
            update={"dip": policy.dip.model_copy(update={"catalogue": reform.scheme})}
        )
    if policy.drg is None or not policy.drg.scheme:
        return policy
    # Claims of a place are grouped under several schemes, so that none can be demanded.
    by_place = grouper is not None and bool(grouper.versions)
    named = "" if by_place else grouper.scheme_id if grouper is not None else reform.scheme
    return policy.model_copy(update={"drg": policy.drg.model_copy(update={"scheme": named})})


def _same_scheme(policy: Policy, tables: Iterable[object], where: str, reform: Reform) -> None:
    """Weights of one scheme do not price claims of another."""
    if reform.scheme is None or policy.drg is None or not policy.drg.scheme:
        return
    if any(change.path == _WEIGHTS for change in reform.changes):
        return
    for table in tables:
        of = getattr(table, "scheme", None)
        if of is not None and of != policy.drg.scheme:
            raise WhatIfError("G427", where=where, weights=getattr(table, "id", ""), of=of or "—",
                              scheme=policy.drg.scheme)  # fmt: skip


def _given(path: str, lineage: Iterable[Amended]) -> bool:
    """Whether a reform gives a number that was left open."""
    return any(one.path == path or one.path.startswith(f"{path}.") for one in lineage if one.after)
