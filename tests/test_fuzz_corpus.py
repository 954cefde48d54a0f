"""Every saved input of the fuzz targets, run again: nothing but results and documented errors.

``tests/fuzz/run.py`` looks for new ones; ``make fuzz`` does so for a minute.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz.documented import documented
from fuzz.targets import ALL, TARGETS

from drg.errors import InputError

CORPUS = Path(__file__).parent / "fuzz" / "corpus"
#: Seconds, or what other tests of the default suite do as well.
_DEAR = ("kernel", "rule", "scheme", "service")


def replay(name: str) -> None:
    saved = sorted((CORPUS / name).iterdir())
    assert saved
    for path in saved:
        ALL[name](path.read_bytes())


@pytest.mark.parametrize("name", [name for name in ALL if name not in _DEAR])
def test_saved_inputs(name):
    replay(name)


@pytest.mark.long
@pytest.mark.parametrize("name", _DEAR)
def test_saved_inputs_of_dear_targets(name):
    replay(name)


def test_no_saved_input_is_forgotten():
    assert {path.name for path in CORPUS.iterdir()} == {*ALL}
    assert {*ALL} - {*TARGETS} == {"damaged"}
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) < 1 << 20


def test_a_fault_is_a_finding():
    """What the targets let pass is an error of ours that can be told, and nothing else."""
    with documented():
        raise InputError("F101", where="x")
    with pytest.raises(ValueError, match="no error of ours"), documented():
        raise ValueError("no error of ours")
    with pytest.raises(KeyError), documented():
        raise InputError("F000")
