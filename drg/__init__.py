"""Open engine for China's inpatient claims: from the group to the money paid.

The public names below load what they need when first used, so ``import drg`` is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drg.claims.model import Claim
    from drg.claims.readers import open_claims
    from drg.claims.synth import synth
    from drg.dip.grouper import DipGrouper
    from drg.dip.load import load_grouper
    from drg.errors import DrgError, InputError, SchemeError, TableError
    from drg.grouping.explain import Step
    from drg.grouping.grouper import Grouper
    from drg.grouping.result import GroupResult, Outcome
    from drg.grouping.versions import VersionedGrouper
    from drg.payment.policy import Policy
    from drg.payment.policy.catalog import list_policies, load_policy
    from drg.payment.pricing.price import price_frame
    from drg.schemes.catalog import list_schemes, load_scheme
    from drg.settlement.run import settle_month
    from drg.settlement.year.clear import clear_year

__version__ = "0.1.0"

_HOME = {
    "Claim": "drg.claims.model",
    "DipGrouper": "drg.dip.grouper",
    "DrgError": "drg.errors",
    "GroupResult": "drg.grouping.result",
    "Grouper": "drg.grouping.grouper",
    "InputError": "drg.errors",
    "Outcome": "drg.grouping.result",
    "Policy": "drg.payment.policy",
    "SchemeError": "drg.errors",
    "Step": "drg.grouping.explain",
    "TableError": "drg.errors",
    "VersionedGrouper": "drg.grouping.versions",
    "clear_year": "drg.settlement.year.clear",
    "list_policies": "drg.payment.policy.catalog",
    "list_schemes": "drg.schemes.catalog",
    "load_grouper": "drg.dip.load",
    "load_policy": "drg.payment.policy.catalog",
    "load_scheme": "drg.schemes.catalog",
    "open_claims": "drg.claims.readers",
    "price_frame": "drg.payment.pricing.price",
    "settle_month": "drg.settlement.run",
    "synth": "drg.claims.synth",
}

__all__ = [
    "Claim",
    "DipGrouper",
    "DrgError",
    "GroupResult",
    "Grouper",
    "InputError",
    "Outcome",
    "Policy",
    "SchemeError",
    "Step",
    "TableError",
    "VersionedGrouper",
    "clear_year",
    "list_policies",
    "list_schemes",
    "load_grouper",
    "load_policy",
    "load_scheme",
    "open_claims",
    "price_frame",
    "settle_month",
    "synth",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'drg' has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
