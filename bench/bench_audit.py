"""How fast does the audit judge claims one by one, without reading a file?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from drg.audit.engine import Audit
from drg.audit.kinds import KINDS
from drg.audit.model import Scope
from drg.audit.rules import load_rules
from drg.claims.profiles import match_columns
from drg.claims.synth_audit import with_lists

BATCH = 250_000


@pytest.mark.parametrize("lists", [False, True], ids=["claims", "whole lists"])
def test_rules_on_one_claim(rate, claims, lists):
    rules = load_rules()
    alone = tuple(rule for rule in rules.rules if KINDS[rule.kind].scope is Scope.CLAIM)
    rules = replace(rules, rules=alone)
    frame = with_lists(claims, 1).claims if lists else claims
    columns = match_columns(frame.schema)

    def run() -> None:
        audit = Audit(rules)
        for start in range(0, frame.height, BATCH):
            audit.add(frame[start : start + BATCH], columns)
        assert audit.finish().claims == frame.height

    rate(run, frame.height)
