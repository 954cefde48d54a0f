"""How long does the service take: ``/group`` at a steady rate, a file of 100 thousand claims?

The service is a process of its own; requests come when they are due, not when the last is answered.
"""

from __future__ import annotations

import time

import polars as pl
import pytest
from served import served
from steady import latency

import drg
from drg.claims.case import Case
from drg.service.models import GroupRequest

SCHEME = "chs-drg-2.0"
RATE, UNHURRIED, SECONDS = 200, 5, 10
CLAIMS = 100_000
POLICY, PRICED = "demo-2024", "haerbin-2022"


@pytest.fixture(scope="module")
def service():
    with served("-s", SCHEME) as one:
        yield one


@pytest.fixture(scope="module")
def bodies(claims):
    cases = [Case.from_row(row) for row in claims[:1_000].iter_rows(named=True)]
    asked = [GroupRequest(claim=case) for case in cases]
    return [one.model_dump_json(exclude_defaults=True).encode() for one in asked]


@pytest.mark.parametrize("rate", [RATE, 1_000])
def test_group_at_a_steady_rate(benchmark, note, service, bodies, rate):
    latency(service.host, "/group", bodies, rate, 1)
    found = benchmark.pedantic(latency, (service.host, "/group", bodies, rate, SECONDS), rounds=1)
    note(f"/group at {rate:,}/s: {found}")


@pytest.mark.parametrize("path", ["/explain", "/simulate"])
def test_answers_about_a_case(benchmark, note, service, bodies, path):
    """The first one too: what it needs was loaded at the start."""
    args = (service.host, path, bodies[:20], UNHURRIED, SECONDS)
    found = benchmark.pedantic(latency, args, rounds=1)
    note(f"{path} at {UNHURRIED}/s: {found}")


@pytest.mark.parametrize(
    ("suffix", "query"), [("csv", ""), ("csv", f"&policy={POLICY}"), ("xlsx", "")]
)
def test_a_file(benchmark, note, service, tmp_path, suffix, query):
    scheme = PRICED if query else SCHEME
    made = drg.synth(drg.Grouper.load(scheme).scheme, CLAIMS, seed=1, month="2024-06")
    joined = [pl.col(name).list.join("|") for name in ("diagnoses", "procedures")]
    made = made.with_columns(*joined, hospital_level=pl.lit("三级"))
    path = tmp_path / f"claims.{suffix}"
    made.write_csv(path) if suffix == "csv" else made.write_excel(path)
    body = path.read_bytes()

    def send():
        start = time.perf_counter()
        reply = service.ask("POST", f"/batch?scheme={scheme}&name=claims.{suffix}{query}", body)
        assert (reply.status, reply.headers["x-drg-rows"]) == (200, str(CLAIMS))
        return time.perf_counter() - start

    took = benchmark.pedantic(send, rounds=1)
    note(f"{CLAIMS:,} claims, {suffix} → {suffix}{query}: {took:.2f} s ({len(body) >> 20} MiB)")
