"""Policies of ``tables/policies`` and of one's own: found, merged, validated, held to the rules.

A policy is ``<place>/<year>.toml`` with its tables beside it (docs/policies.md). Whatever is
impossible in one is refused with file, path of the number and mend (P460-P479).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from drg.dates import Month
from drg.payment.policy import Policy, Provenance
from drg.payment.policy.build import build_policy
from drg.payment.policy.errors import PolicyError
from drg.payment.policy.model import Sourced
from drg.payment.policy.read import POLICY
from drg.payment.policy.register import Codes, Register
from drg.payment.policy.tables import fill_tables

__all__ = ["PolicyError", "list_policies", "load_policy", "origin_of"]

_REGISTER = Register(
    name="policies",
    kind=Policy,
    shape=POLICY,
    build=build_policy,
    codes=Codes("P460", "P470", "P471", "P472", "P474", "P478", "P479"),
    fill=fill_tables,
)


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
    return _REGISTER.load(wanted, supply, on)


def list_policies() -> tuple[Policy, ...]:
    """Every policy of ``tables/policies``, by place and date.

    Raises
    ------
    PolicyError
        P470: two policies of a place hold for one insurance on one day; and what ``load_policy``
        raises.
    """
    return _REGISTER.all()


def origin_of(policy: Sourced, path: str) -> Provenance | None:
    """Where a number stands: its own document, or that of the table or section around it.

    Parameters
    ----------
    policy : Policy or Plan
    path : str
        Such as ``"month.retention"`` or ``"drg.rates.0.rate"``.
    """
    while path:
        if found := policy.provenance.get(path):
            return found
        path = path.rpartition(".")[0]
    return None
