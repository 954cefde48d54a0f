"""Which files a folder, a pattern or several paths name, in one order on every machine.

Folders are gone through to the bottom. Folders such as ``month=2025-06`` are columns of the files
in them, as clusters write partitions. A run's folder stands for the claims that the run wrote.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote

from drg.claims.open_file import INPUT_SUFFIXES
from drg.errors import InputError

__all__ = [
    "CLAIMS_FOLDER", "JOURNAL_FOLDER", "RUN_FILE", "InputFile", "input_files", "is_many",
    "refuse_unfinished",
]  # fmt: skip

#: What a run over many files leaves (``drg.scale``): its manifest, beside its claims; and what
#: it keeps until it is done.
RUN_FILE, CLAIMS_FOLDER, JOURNAL_FOLDER = "run.toml", "claims", ".drg-run"

_MAGIC = re.compile(r"[*?\[]")
_PARTITION = re.compile(r"([^=]+)=(.*)")
#: What systems and clusters leave in folders.
_LITTER = {"thumbs.db", "desktop.ini"}
#: What Excel leaves beside a workbook as long as somebody has it open.
_HELD_OPEN = "~$"
#: How a cluster writes a partition of rows that have no value.
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_SHOWN = 5


class InputFile(NamedTuple):
    """One file of several.

    Attributes
    ----------
    path : Path
    name : str
        Path below what was named, with ``/`` on every system: tells the files of a run apart.
    keys : tuple of (str, str or None)
        Columns that its folders give it, outermost first.
    """

    path: Path
    name: str
    keys: tuple[tuple[str, str | None], ...] = ()


def is_many(path: str | Path) -> bool:
    """Whether a path names a folder, or a pattern rather than a file."""
    path = Path(path)
    return path.is_dir() or (bool(_MAGIC.search(str(path))) and not path.exists())


def input_files(paths: str | Path | Sequence[str | Path]) -> tuple[InputFile, ...]:
    """The claim files that some paths name.

    Parameters
    ----------
    paths : str, Path or sequence of them
        Files, folders, patterns (``*``, ``?``, ``[ab]``, ``**`` for folders at any depth). Hidden
        files and those that begin with ``_`` or ``~$`` are passed over inside folders. Several
        files are named below the folder that they share, as if a pattern had named them.

    Returns
    -------
    tuple of InputFile
        In the order of their names' parts, by code point; at least one. Names are unique.

    Raises
    ------
    InputError
        F101 a file is not there, F125 it is a pipe or device, F190 nothing is found, F191 something
        in a folder is no claim file, F192 a file is named twice, F194 a run in this folder has not
        been finished.
    """
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    found: list[InputFile] = []
    shared = _shared([path for path in map(Path, given) if not is_many(path)])
    for path in map(Path, given):
        if path in shared:
            found.append(shared[path])
            continue
        # Of several folders each keeps its name, so that their files can be told apart.
        prefix = f"{path.resolve().name}/" if len(given) > 1 and path.is_dir() else ""
        found += (file._replace(name=prefix + file.name) for file in _named(path))
    seen: dict[Path | str, Path] = {}
    for file in found:
        for key in (file.path.resolve(), file.name):
            if key in seen:
                raise InputError("F192", where=str(file.path), name=file.name)
            seen[key] = file.path
    return tuple(sorted(found, key=lambda file: PurePosixPath(file.name).parts))


def refuse_unfinished(files: Sequence[InputFile]) -> None:
    """Refuse claims of a run that has not been finished, however they were named.

    Raises
    ------
    InputError
        F194.
    """
    folders = {file.path.parent.resolve() for file in files}
    for claims in sorted({above for folder in folders for above in (folder, *folder.parents)}):
        if claims.name == CLAIMS_FOLDER and (claims.parent / JOURNAL_FOLDER).exists():
            raise InputError("F194", where=str(claims.parent))


def _shared(paths: Sequence[Path]) -> dict[Path, InputFile]:
    """Files, named below the folder that they share."""
    for path in paths:
        if not path.exists():
            raise InputError("F101", where=str(path))
        if not path.is_file():  # opening a pipe would wait for whoever fills it
            raise InputError("F125", where=str(path))
    places = {path: path.parent.resolve() / path.name for path in paths}
    try:
        root = Path(os.path.commonpath([place.parent for place in places.values()]))
    except ValueError:  # none, or on several drives
        return {path: InputFile(path, path.name) for path in paths}
    below = {path: place.relative_to(root) for path, place in places.items()}
    return {path: InputFile(path, name.as_posix(), _keys(name)) for path, name in below.items()}


def _named(path: Path) -> Iterator[InputFile]:
    if path.is_dir():
        root, files = _whole(path)
    else:
        root, files = _matching(path)
    wrong = [file for file in files if not file.name.lower().endswith(INPUT_SUFFIXES)]
    if wrong:
        names = ", ".join(file.relative_to(root).as_posix() for file in wrong[:_SHOWN])
        raise InputError("F191", where=str(path), count=len(wrong), names=names)
    if not files:
        raise InputError("F190", where=str(path), known=" ".join(INPUT_SUFFIXES))
    for file in files:
        relative = file.relative_to(root)
        yield InputFile(file, relative.as_posix(), _keys(relative))


def _whole(folder: Path) -> tuple[Path, list[Path]]:
    if (folder / JOURNAL_FOLDER).exists():
        raise InputError("F194", where=str(folder))
    root = folder / CLAIMS_FOLDER if (folder / RUN_FILE).is_file() else folder
    return root, [
        file
        for file in root.rglob("*")
        if file.is_file() and not any(map(_passed_over, file.relative_to(root).parts))
    ]


def _matching(pattern: Path) -> tuple[Path, list[Path]]:
    parts = pattern.parts
    fixed = next(n for n, part in enumerate(parts) if _MAGIC.search(part))
    root = Path(*parts[:fixed])
    files = [file for file in root.glob(str(Path(*parts[fixed:]))) if file.is_file()]
    return root, [file for file in files if not _passed_over(file.name)]


def _passed_over(name: str) -> bool:
    return name.startswith((".", "_", _HELD_OPEN)) or name.lower() in _LITTER


def _keys(relative: Path) -> tuple[tuple[str, str | None], ...]:
    matches = (_PARTITION.fullmatch(part) for part in relative.parts[:-1])
    return tuple(
        (found[1], None if found[2] == _NO_VALUE else unquote(found[2]))
        for found in matches
        if found
    )
