"""Requests drawn at random from the service's own schema: no answer is a fault of ours (500)."""

from __future__ import annotations

from functools import cache

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.generation import GenerationMode

from drg.service.app import create_app

BOTH = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
#: Statuses that the service answers with on purpose.
ON_PURPOSE = {200, 400, 404, 405, 408, 413, 415, 422}


@cache
def schema():
    return schemathesis.openapi.from_dict(create_app().openapi())


def operations():
    return [result.ok() for result in schema().get_all_operations()]


LABELS = [operation.label for operation in operations()]
#: Dear to draw, and next to nothing that others do not have: at length alone.
_DEAR = ("POST /simulate", "POST /batch/events")


def draw(label, url, examples):
    operation = next(one for one in operations() if one.label == label)
    # Without parameters there is nothing to get wrong.
    for mode in BOTH[:1] if label == "GET /health" else BOTH:

        @given(case=operation.as_strategy(mode))
        @settings(
            max_examples=examples, deadline=None, database=None, derandomize=True,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        def ask(case):
            reply = case.call(base_url=url)
            assert reply.status_code in ON_PURPOSE, (reply.status_code, reply.text)
            if reply.status_code >= 400:
                assert set(reply.json()) == {"code", "what", "where", "mend"}

        ask()


def test_the_schema_is_sound():
    assert {label.split()[1] for label in LABELS} == {
        "/health", "/schemes", "/policies", "/rules", "/codes", "/fields", "/texts", "/group",
        "/explain", "/simulate", "/check", "/batch", "/batch/events",
    }  # fmt: skip


@pytest.mark.parametrize("label", [label for label in LABELS if label not in _DEAR])
def test_no_request_is_a_fault_of_ours(label, service):
    draw(label, service.url, 2)


@pytest.mark.long
@pytest.mark.parametrize("label", LABELS)
def test_no_request_is_a_fault_of_ours_at_length(label, service):
    draw(label, service.url, 100)
