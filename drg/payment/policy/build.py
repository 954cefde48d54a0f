"""From a policy's tree to the validated policy: its rows, sizes and digest."""

from __future__ import annotations

from drg.payment.policy import Policy
from drg.payment.policy.checks import check_rows, check_sizes
from drg.payment.policy.digest import disease_table, policy_digest, weight_tables
from drg.payment.policy.drafted import drafted
from drg.payment.policy.read import Draft
from drg.payment.policy.whole import check_whole, unsaid

__all__ = ["build_policy"]


def build_policy(draft: Draft) -> Policy:
    """Validate a tree and hold the policy to the rules.

    Raises
    ------
    PolicyError
        P461-P469, P473, P477: what is wrong with it, the first thing found.
    TableError
        T102 a table of per-disease standards that is not there; T170-T184 a table of weights.
    """
    policy = drafted(draft, Policy)
    check_rows(policy, str(draft.file))
    tables = weight_tables(policy)
    check_sizes(policy, tables, str(draft.file))
    check_whole(policy, str(draft.file))
    return policy.model_copy(
        update={
            "wanted": {**unsaid(policy), **policy.wanted},
            "digest": policy_digest(policy, tables, disease_table(policy)),
        }
    )
