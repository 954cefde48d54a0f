"""What a run over many files tells of itself: ``run.toml`` beside its claims, written last.

Inputs with digests, what grouped them, the parts with digests, counts and totals: enough to know
whether the same run would give the same bytes, and whether a part is still as it was written. It
holds no time of day and no path of the machine, so that equal runs have equal manifests.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from drg.claims.input_files import CLAIMS_FOLDER, RUN_FILE
from drg.claims.writers import atomic_path
from drg.errors import InputError
from drg.scale import RunError
from drg.schemes.tables import file_digest

__all__ = [
    "REJECTS", "RunInput", "RunManifest", "RunPart", "Written", "changed_parts", "is_as_written",
    "plan_of", "read_run", "write_run",
]  # fmt: skip

#: Rows that a run refused, for people.
REJECTS = "rejects.csv"
_FORMAT, _KIND = 1, "group"
T = TypeVar("T", "RunInput", "RunPart", "Written")


@dataclass(frozen=True, slots=True)
class RunInput:
    """One input of a run.

    Attributes
    ----------
    name : str
        As ``drg.claims.input_files.InputFile.name``.
    sha256 : str
    rows, bytes : int
    """

    name: str
    sha256: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class RunPart:
    """One file of claims that a run wrote.

    Attributes
    ----------
    file : str
        Path below the run's folder, with ``/``.
    input : str
        Name of the input its rows are from.
    first_row : int
        Row of the input that it begins with, from 1, header not counted.
    rows, bytes : int
    sha256 : str
    """

    file: str
    input: str
    first_row: int
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Written:
    """A file beside the parts: how many rows it has, and its digest."""

    rows: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class RunManifest:
    """All that ``run.toml`` says.

    Attributes
    ----------
    package : str
        Version of this package.
    scheme : mapping
        ``id``, ``kind`` (``"drg"``, ``"dip"``), ``digest``, ``compat``, ``codes``; ``version``:
        versions that the day of discharge chose from, each ``id``, ``days``, ``status``.
    options : mapping
        What else decides the bytes: ``parts`` (``"parquet"``, ``"csv"``), ``part_rows``,
        ``frame_rows``, ``language`` (of the rejects), ``sheet`` (``""``: the first), ``writer``.
    weights : mapping or None
        ``id``, ``digest``, ``hospital_level`` of the weights that were added.
    inputs : tuple of RunInput
    parts : tuple of RunPart
        In the order of the rows.
    rejects : Written
    counts : mapping
        ``outcomes``, ``reasons`` (by outcome), ``versions``, ``dip``: claims of each.
    totals : mapping
        ``claims``; with weights also ``weight`` and ``standard`` as decimal text, and their parts.
    """

    package: str
    scheme: Mapping[str, Any]
    options: Mapping[str, Any]
    weights: Mapping[str, Any] | None
    inputs: Sequence[RunInput]
    parts: Sequence[RunPart]
    rejects: Written
    counts: Mapping[str, Any] = field(default_factory=dict)
    totals: Mapping[str, Any] = field(default_factory=dict)

    @property
    def plan(self) -> dict[str, Any]:
        """What two runs must agree in, besides the digests of their inputs."""
        names = [one.name for one in self.inputs]
        return plan_of(self.package, self.scheme, self.options, self.weights, names)


def plan_of(
    package: str,
    scheme: Mapping[str, Any],
    options: Mapping[str, Any],
    weights: Mapping[str, Any] | None,
    inputs: Sequence[str],
) -> dict[str, Any]:
    """What decides the bytes of a run and is known before any of it is read.

    Parameters
    ----------
    package, scheme, options, weights
        As in ``RunManifest``.
    inputs : sequence of str
        Their names.
    """
    return {
        "package": package,
        "scheme": dict(scheme),
        "weights": None if weights is None else dict(weights),
        "options": dict(options),
        "inputs": {name: name for name in inputs},
    }


def read_run(folder: str | Path) -> RunManifest | None:
    """The manifest of a finished run; None: the folder holds none.

    Raises
    ------
    RunError
        C231: it is damaged, or of a newer form.
    """
    path = Path(folder) / RUN_FILE
    if not path.is_file():
        return None
    try:
        told = tomllib.loads(path.read_text("utf-8"))
        if (told["format"], told["kind"]) != (_FORMAT, _KIND):
            raise RunError("C231", where=str(path))
        return RunManifest(
            package=told["package"],
            scheme=told["scheme"],
            options=told["options"],
            weights=told.get("weights"),
            inputs=tuple(_row(RunInput, one) for one in told["input"]),
            parts=tuple(_inside(_row(RunPart, one)) for one in told["part"]),
            rejects=_row(Written, told["rejects"]),
            counts=told["counts"],
            totals=told["totals"],
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, RunError):
            raise
        raise RunError("C231", where=str(path)) from error


def _row(kind: type[T], told: Mapping[str, Any]) -> T:
    """A table of the file as what it stands for; its values are of the types it has."""
    made = kind(**told)
    for one in fields(made):
        if type(told[one.name]).__name__ != one.type:
            raise TypeError(one.name)
    return made


def _inside(part: RunPart) -> RunPart:
    """A part that lies among the run's claims, whoever wrote the manifest."""
    names = re.split(r"[/\\]", part.file)
    if names[0] != CLAIMS_FOLDER or ".." in names:
        raise ValueError(part.file)
    return part


def write_run(folder: Path, manifest: RunManifest) -> None:
    """Write ``run.toml``, in one step.

    Raises
    ------
    InputError
        F204, F209, F210.
    """
    import tomli_w

    told: dict[str, Any] = {
        "format": _FORMAT,
        "kind": _KIND,
        "package": manifest.package,
        "scheme": dict(manifest.scheme),
        "options": dict(manifest.options),
    }
    if manifest.weights is not None:
        told["weights"] = dict(manifest.weights)
    told |= {
        "counts": dict(manifest.counts),
        "totals": dict(manifest.totals),
        "rejects": asdict(manifest.rejects),
        "input": [asdict(one) for one in manifest.inputs],
        "part": [asdict(one) for one in manifest.parts],
    }
    with atomic_path(folder / RUN_FILE) as draft:
        draft.write_text(tomli_w.dumps(told), "utf-8", newline="\n")


def changed_parts(folder: Path, parts: Sequence[RunPart]) -> list[RunPart]:
    """Parts that are missing or no longer as they were written, in order.

    Raises
    ------
    InputError
        F105, F124: a file cannot be read.
    """
    return [part for part in parts if not is_as_written(folder / part.file, part)]


def is_as_written(path: Path, told: RunPart) -> bool:
    """Whether a file has a part's size and digest; one that is not there has not.

    Raises
    ------
    InputError
        F105: it cannot be read.
    """
    try:
        return path.stat().st_size == told.bytes and file_digest(path) == told.sha256
    except FileNotFoundError:
        return False
    except OSError as error:
        raise InputError("F105", where=str(path), system=error.errno) from error
