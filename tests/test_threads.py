"""Threads, forks and spawned processes that share what the engine loads."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from threading import Barrier

import polars as pl
import pytest
from conftest import ROOT, load

import drg
from drg.grouping import grouper as grouper_module
from drg.payment.pricing.price import Pricer

THREADS = 8


def at_once(works, threads: int = THREADS) -> list:
    """What the works give, begun by all threads at the same moment."""
    works = list(works)
    start = Barrier(min(threads, len(works)))

    def begin(numbered):
        number, work = numbered
        if number < start.parties:
            start.wait(60)
        return work()

    with ThreadPoolExecutor(start.parties) as pool:
        return list(pool.map(begin, enumerate(works)))


@pytest.fixture(scope="module")
def claims(demo) -> pl.DataFrame:
    return drg.synth(demo.scheme, 400, seed=3)


@pytest.fixture(scope="module")
def cases(claims) -> list[drg.Claim]:
    return [drg.Claim.from_row(row) for row in claims[:60].iter_rows(named=True)]


@pytest.fixture(scope="module")
def grouped() -> pl.DataFrame:
    grouper = load("haerbin-2022")
    return grouper.group_frame(drg.synth(grouper.scheme, 300, seed=5, month="2024-06"))


# ---------------------------------------------------------------- one object, many threads


@pytest.mark.parametrize("scheme", ["demo", "taian-2025", "haerbin"])
def test_a_grouper_is_shared(scheme, claims, cases, monkeypatch):
    """Claims one by one and frames, which take threads of their own, all at the same time."""
    monkeypatch.setattr(grouper_module, "TASK_ROWS", 40)  # threads inside of threads
    grouper = drg.load_grouper(scheme)  # its lazy parts are made under the same storm
    fresh = drg.load_grouper(scheme)
    one = [fresh.group(case) for case in cases]
    frame = fresh.group_frame(claims, threads=1)
    steps = fresh.explain_lines(cases[0])
    works = [
        lambda: [grouper.group(case) for case in cases] == one,
        lambda: grouper.group_frame(claims, threads=3).equals(frame),
        lambda: grouper.group_frame(claims.lazy()).collect().equals(frame),
        lambda: grouper.explain_lines(cases[0]) == steps,
    ]
    assert all(at_once(works * 4))


def test_a_pricer_and_a_simulator_are_shared(grouped, cases):
    grouper, policy = load("haerbin-2022"), drg.load_policy("demo-2024")
    pricer, simulator = Pricer(policy), drg.Simulator(grouper, policy)
    priced = drg.price_frame(grouped, policy)
    added = priced[:, grouped.width :]
    told = simulator.simulate(cases[0])

    def in_halves() -> bool:
        assessed = [pricer.assess(half) for half in (grouped[:150], grouped[150:])]
        decisions = pricer.decide(assessed)
        return pl.concat([pricer.finish(half, decisions) for half in assessed]).equals(added)

    works = [
        lambda: pricer.price(grouped).equals(priced),
        in_halves,
        lambda: simulator.simulate(cases[0]) == told,
    ]
    assert all(at_once(works * 4))


@pytest.mark.parametrize(
    "scheme", ["demo", pytest.param("pingdingshan-2025", marks=pytest.mark.long)]
)
def test_a_cold_cache_is_filled_by_many(scheme, monkeypatch, tmp_path):
    """Threads that load one scheme at a time all get it whole, and leave no draft behind."""
    monkeypatch.setenv("DRG_CACHE", str(tmp_path))
    case = drg.Claim(diagnoses=("I63.905",), sex="M", age=60)
    loaded = at_once([lambda: drg.load_grouper(scheme)] * THREADS)
    assert len({(grouper.digest, grouper.group(case)) for grouper in loaded}) == 1
    (kept,) = tmp_path.iterdir()
    assert kept.suffix in (".drgc", ".dipc")


@pytest.mark.long
def test_two_processes_compile_at_once(tmp_path, monkeypatch, cases):
    """Spawned, so that each starts with nothing but the empty folder of the cache."""
    monkeypatch.setenv("DRG_CACHE", str(tmp_path))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        found = list(pool.map(_loads, ["chs-drg-2.0", "chs-drg-2.0"]))
    assert found == [load("chs-drg-2.0").digest] * 2
    assert [path.suffix for path in tmp_path.iterdir()] == [".drgc"]


def _loads(scheme: str) -> str:
    grouper = drg.Grouper.load(scheme)
    frame = drg.synth(grouper.scheme, 50, seed=1)
    assert grouper.group_frame(frame).height == 50
    return grouper.digest


# ---------------------------------------------------------------- other processes


def test_what_travels_to_other_processes(grouped):
    """Groupers, policies, pricers and simulators pickle, and answer alike on the other side."""
    grouper, policy = load("haerbin-2022"), drg.load_policy("demo-2024")
    there = pickle.loads(pickle.dumps((grouper, policy, Pricer(policy))))
    assert there[0].digest == grouper.digest
    assert there[1].digest == policy.digest
    assert there[2].price(grouped).equals(drg.price_frame(grouped, policy))
    simulator = pickle.loads(pickle.dumps(drg.Simulator(grouper, policy)))
    assert (simulator.grouper.digest, simulator.policy) == (grouper.digest, policy)


FORKS = """
import os, sys, warnings
warnings.simplefilter("ignore")  # 3.12 and later warn of threads at every fork
import polars, drg
from drg.errors import DrgError

grouper = drg.Grouper.load("demo")
case = drg.Claim(diagnoses=("I63.905",), sex="M", age=60)

def told_by_child(work):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = work()
        except DrgError as error:
            answer = error.code
        os.write(write, str(answer).encode())
        os._exit(0)
    os.close(write)
    answer = os.read(read, 1000).decode()
    assert os.waitpid(child, 0)[1] == 0
    return answer

frame = polars.DataFrame({"diagnoses": ["I63.905"] * 3, "sex": ["M"] * 3, "age": [60] * 3})
rows = lambda: grouper.group_frame(frame).height
print(told_by_child(rows))  # before the first frame: as in any process
rows()
print(told_by_child(lambda: grouper.group(case).group))
for work in (
    rows,
    lambda: grouper.group_frame(frame.lazy()).collect(),
    lambda: drg.load_grouper("taian-2025").group_frame(frame),
    lambda: drg.open_claims("nothing.csv"),
    lambda: drg.load_scheme("chs-drg-1.0"),
    lambda: drg.synth(grouper.scheme, 10, seed=1),
    lambda: drg.Simulator(grouper).explain(case),
    lambda: told_by_child(rows),
):
    print(told_by_child(work))
print(rows())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_fork_is_refused_frames_and_keeps_single_claims():
    """After a fork polars' threads are gone: what would hang says so instead."""
    done = subprocess.run(
        [sys.executable, "-c", FORKS],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["3", "BR15", *["C270"] * 8, "3"]
