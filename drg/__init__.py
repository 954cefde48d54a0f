"""Open engine for China's inpatient claims: from the group to the money paid.

The public names below load what they need when first used, so ``import drg`` is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drg.audit.engine import audit_frame
    from drg.audit.rules import load_rules
    from drg.benefits.model import Balance, Visit
    from drg.benefits.plan import list_plans, load_plan
    from drg.benefits.visit import settle_visit
    from drg.claims.case import Case
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
    from drg.reports.kpi.build import kpi_report
    from drg.schemes.catalog import list_schemes, load_scheme
    from drg.settlement.run import settle_month
    from drg.settlement.year.clear import clear_year
    from drg.simulate.simulator import Simulator

__version__ = "0.1.0"

_HOME = {
    "Balance": "drg.benefits.model",
    "Case": "drg.claims.case",
    "Claim": "drg.claims.model",
    "DipGrouper": "drg.dip.grouper",
    "DrgError": "drg.errors",
    "GroupResult": "drg.grouping.result",
    "Grouper": "drg.grouping.grouper",
    "InputError": "drg.errors",
    "Outcome": "drg.grouping.result",
    "Policy": "drg.payment.policy",
    "SchemeError": "drg.errors",
    "Simulator": "drg.simulate.simulator",
    "Step": "drg.grouping.explain",
    "TableError": "drg.errors",
    "VersionedGrouper": "drg.grouping.versions",
    "Visit": "drg.benefits.model",
    "audit_frame": "drg.audit.engine",
    "clear_year": "drg.settlement.year.clear",
    "kpi_report": "drg.reports.kpi.build",
    "list_plans": "drg.benefits.plan",
    "list_policies": "drg.payment.policy.catalog",
    "list_schemes": "drg.schemes.catalog",
    "load_grouper": "drg.dip.load",
    "load_plan": "drg.benefits.plan",
    "load_policy": "drg.payment.policy.catalog",
    "load_rules": "drg.audit.rules",
    "load_scheme": "drg.schemes.catalog",
    "open_claims": "drg.claims.readers",
    "price_frame": "drg.payment.pricing.price",
    "settle_month": "drg.settlement.run",
    "settle_visit": "drg.benefits.visit",
    "synth": "drg.claims.synth",
}

__all__ = [
    "Balance",
    "Case",
    "Claim",
    "DipGrouper",
    "DrgError",
    "GroupResult",
    "Grouper",
    "InputError",
    "Outcome",
    "Policy",
    "SchemeError",
    "Simulator",
    "Step",
    "TableError",
    "VersionedGrouper",
    "Visit",
    "audit_frame",
    "clear_year",
    "kpi_report",
    "list_plans",
    "list_policies",
    "list_schemes",
    "load_grouper",
    "load_plan",
    "load_policy",
    "load_rules",
    "load_scheme",
    "open_claims",
    "price_frame",
    "settle_month",
    "settle_visit",
    "synth",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'drg' has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
