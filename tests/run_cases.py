"""Run worked cases through the public API: ``python tests/run_cases.py FILE``.

A file holds a list of cases, each with ``id``, ``rule``, ``inputs``, ``params`` and ``expected``
(docs/payment.md tells the form). Each expected value must come out as written, to the last digit;
a rule that is not known counts as failed. The last line is ``N passed, M failed``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parent
for _place in (str(_HERE), str(_HERE.parent)):
    if _place not in sys.path:
        sys.path.insert(0, _place)

import case_rules_audit  # noqa: E402
import case_rules_benefits  # noqa: E402
import case_rules_budget  # noqa: E402
import case_rules_dip  # noqa: E402
import case_rules_drg  # noqa: E402
import case_rules_kpi  # noqa: E402
import case_rules_mechanisms  # noqa: E402

RULES = {
    **case_rules_drg.RULES,
    **case_rules_dip.RULES,
    **case_rules_mechanisms.RULES,
    **case_rules_budget.RULES,
    **case_rules_benefits.RULES,
    **case_rules_audit.RULES,
    **case_rules_kpi.RULES,
}


def failure(case: Mapping[str, Any]) -> str | None:
    """What is wrong with the outcome of a case; None when all of it is as expected."""
    rule = RULES.get(case["rule"])
    if rule is None:
        return f"unknown rule {case['rule']}"
    try:
        found = rule(case.get("inputs", {}), case.get("params", {}))
    except Exception as error:  # a case that cannot be run is a case that failed
        return f"{type(error).__name__}: {error}"
    expected = case["expected"]
    wrong = [
        f"{key}: {found.get(key, 'nothing')!r}, expected {expected[key]!r}"
        for key in expected
        if key not in found or found[key] != expected[key]
    ]
    return "; ".join(wrong) or None


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 1:
        print("usage: python tests/run_cases.py FILE", file=sys.stderr)
        return 2
    cases = json.loads(Path(arguments[0]).read_text("utf-8"))
    failed = {case["id"]: why for case in cases if (why := failure(case)) is not None}
    for name, why in failed.items():
        print(f"{name}: {why}")
    if failed:
        print("failed:", " ".join(failed))
    print(f"{len(cases) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
