"""What every test shares: hypothesis profiles, a cache of their own, groupers loaded once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from served import SECRET, Served, served

from drg.text import set_language

ROOT = Path(__file__).resolve().parent.parent
#: Folder with the full golden files; ``.ci/run`` has it beside the repository.
SHARED = ROOT.parent / "shared"

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile("dev", max_examples=40, deadline=None, suppress_health_check=_SLOW)
# CI repeats itself: a finding of chance belongs to a developer's run, not to a submission.
settings.register_profile(
    "ci", max_examples=100, deadline=None, suppress_health_check=_SLOW, derandomize=True
)
# Under sanitizers a claim takes several times as long; what they find does not need many.
settings.register_profile(
    "debug", max_examples=20, deadline=None, suppress_health_check=_SLOW, derandomize=True
)
settings.register_profile("hunt", max_examples=3000, deadline=None, suppress_health_check=_SLOW)
settings.load_profile(os.environ.get("DRG_HYPOTHESIS", "ci" if os.environ.get("CI") else "dev"))


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compiled schemes of this run only: nothing a developer's machine kept is read.

    The workers of a run share them, so that each scheme is compiled once.
    """
    base = tmp_path_factory.getbasetemp()
    run = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRG_CACHE", str(run / "compiled"))
        yield


@pytest.fixture(autouse=True)
def _in_chinese() -> None:
    """Each test begins in the default language, whatever the last one in its process chose."""
    set_language("zh")


@cache
def load(scheme: str, compat: str | None = None):
    import drg

    return drg.Grouper.load(scheme, compat)


@pytest.fixture(scope="session")
def grouper_of():
    """``grouper_of(scheme, compat=None)``: each grouper is loaded once a session."""
    return load


@pytest.fixture(scope="session")
def service() -> Iterator[Served]:
    """A running ``drg serve`` with small limits, one a session; at its end nothing is left."""
    with served(
        "-s", "haerbin-2022", "-p", "demo-2024", "--max-codes", "60", "--max-files", "1",
        "--max-file", "2", "--max-rows", "4000",
    ) as one:  # fmt: skip
        yield one
        left = one.left()
    assert SECRET not in one.written
    assert one.written.count("\n") == 1, one.written
    assert one.process.returncode == 0
    assert left == []


@pytest.fixture(scope="session")
def demo():
    """The grouper of the 20-code scheme."""
    return load("demo")


@pytest.fixture(scope="session")
def national():
    """The grouper of CHS-DRG 2.0, published rules."""
    return load("chs-drg-2.0")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest test first: at the end one worker would be at it alone."""
    items.sort(key=lambda item: "test_instructions.py" not in item.nodeid)
