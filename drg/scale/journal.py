"""What a long run has done so far, so that it goes on after being killed and mixes nothing.

A journal is a folder: the *plan* (all that decides the result: inputs with digests, scheme, policy,
settings) and one *record* a finished part. Both are written in one step; a record is written after
the part's files stand in their place. A run with another plan is refused, not mixed in.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from drg.claims.input_files import JOURNAL_FOLDER
from drg.claims.writers import atomic_path
from drg.scale import RunError

__all__ = ["Journal", "discard", "told_apart"]

_PLAN = "plan.json"
_SHOWN = 5


class Journal:
    """The journal of one run; ``drg.settlement.one_run`` keeps others out meanwhile.

    Parameters
    ----------
    folder : Path
        Made if it does not exist.
    plan : mapping
        JSON values; two runs with equal plans give equal bytes.

    Raises
    ------
    RunError
        C230: the folder holds the journal of a run with another plan; says what differs. C231: its
        plan is damaged.
    InputError
        F204, F209, F210: the folder cannot be written.
    """

    def __init__(self, folder: Path, plan: Mapping[str, Any]) -> None:
        self.folder = folder
        path = folder / _PLAN
        plain = json.loads(json.dumps(plan))
        before = _read(path)
        if before is None and path.exists():
            raise RunError("C231", where=str(path))
        if before is not None and before != plain:
            # What a user may delete is the run's whole folder: its parts are of no use alone.
            run = folder.parent if folder.name == JOURNAL_FOLDER else folder
            raise RunError("C230", where=str(run), differs=told_apart(before, plain))
        if before is None and folder.exists():  # records without a plan are of nobody knows what
            discard(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for draft in folder.glob(".*.part"):  # of a run that was killed while it wrote
            draft.unlink()
        if before is None:
            self._write(path, plain)

    def record(self, part: str) -> Mapping[str, Any] | None:
        """What was noted of a finished part; None: it is not finished, or the note is damaged."""
        return _read(self._path(part))

    def note(self, part: str, told: Mapping[str, Any]) -> None:
        """Note that a part is finished; its files must stand in their place already."""
        self._write(self._path(part), told)

    def remove(self) -> None:
        """The run is done."""
        discard(self.folder)

    def _path(self, part: str) -> Path:
        return self.folder / f"{part}.json"

    @staticmethod
    def _write(path: Path, told: Mapping[str, Any]) -> None:
        with atomic_path(path) as draft:
            draft.write_text(json.dumps(told, ensure_ascii=False), "utf-8", newline="\n")


def discard(folder: Path) -> None:
    """Remove a journal, of whatever run, with all that lies in it."""
    # The plan goes last: without it the records would belong to nothing.
    for path in sorted(folder.iterdir(), key=lambda path: path.name == _PLAN):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    folder.rmdir()


def told_apart(before: Any, now: Any) -> str:
    """Where two plans part, as far as a message should tell."""
    told = list(_differences(before, now))
    more = f" … ({len(told)})" if len(told) > _SHOWN else ""
    return "; ".join(told[:_SHOWN]) + more


def _read(path: Path) -> dict[str, Any] | None:
    """A JSON object; None: there is none, or it cannot be read as one."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _differences(before: Any, now: Any, path: str = "") -> Iterator[str]:
    """Where two plans part: ``scheme.digest: 12ab… ≠ 98fe…``."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in dict.fromkeys((*before, *now)):
            below = f"{path}.{key}" if path else str(key)
            yield from _differences(before.get(key), now.get(key), below)
    elif before != now:
        yield f"{path}: {_short(before)} → {_short(now)}"


def _short(value: Any) -> str:
    text = "—" if value is None or value == "" else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
