"""Where an import comes from: a folder, a .tar.gz or .zip of one, or an .xlsx workbook.

Archives are read in memory, never unpacked: a member's path only says which folder it lies in.
Sizes are limited before anything is decompressed.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from drg.errors import InputError, TableError

#: The largest published folder holds 3 MB; these are limits against mischief.
MAX_FILE_BYTES = 128 * 1024 * 1024
MAX_TOTAL_BYTES = 512 * 1024 * 1024
MAX_MEMBERS = 2_000
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")
KINDS = ("folder", ".tar.gz", ".zip", ".xlsx")


@dataclass(frozen=True, slots=True)
class Source:
    """Files of an import by name, one folder deep.

    Attributes
    ----------
    path : Path
        As the caller named it.
    name : str
        The folder's or file's name without suffix: what an id is made of.
    files : dict of str to bytes
        By file name; empty for a workbook.
    workbook : bytes or None
        An .xlsx file's bytes.
    """

    path: Path
    name: str
    files: dict[str, bytes]
    workbook: bytes | None = None


def open_source(path: Path, marker: str = "scheme.json") -> Source:
    """Read what an import is made from.

    Parameters
    ----------
    path : Path
        Folder, archive or workbook.
    marker : str
        In an archive the files beside the uppermost file of this name are taken; without one,
        those of the uppermost folder that holds files.

    Raises
    ------
    InputError
        F101 no such file, F105 or F124 the system refuses, F104 an unknown kind.
    TableError
        T140 a damaged archive or workbook, T141 too large.
    """
    try:
        return _open(path, marker)
    except FileNotFoundError as error:
        raise InputError("F101", where=str(path)) from error
    except PermissionError as error:
        raise InputError("F124", where=str(path), system="EACCES") from error
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        RuntimeError,
    ) as error:
        # zipfile raises RuntimeError for an encrypted member.
        raise TableError("T140", where=str(path), detail=type(error).__name__) from error


def _open(path: Path, marker: str) -> Source:
    if path.is_dir():
        return Source(path, path.resolve().name, _from_folder(path))
    name = path.name.lower()
    if not path.is_file():
        raise InputError("F101", where=str(path))
    archive = next((s for s in sorted(_ARCHIVES, key=len, reverse=True) if name.endswith(s)), "")
    if name.endswith(".xlsx"):
        data = _limited(path.open("rb"), str(path))
        check_workbook(data, str(path))
        return Source(path, path.stem, {}, data)
    if not archive:
        known = " ".join(KINDS)
        raise InputError("F104", where=str(path), suffix=path.suffix or path.name, known=known)
    members = dict(_zip_members(path) if archive == ".zip" else _tar_members(path))
    return Source(path, path.name[: -len(archive)], _one_folder(members, marker))


def _from_folder(path: Path) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    total = 0
    for entry in sorted(path.iterdir()):
        if not entry.is_file() or entry.name.startswith("."):
            continue
        if len(files) >= MAX_MEMBERS:
            raise TableError("T141", where=str(path), limit=f"{MAX_MEMBERS} files")
        files[entry.name] = _limited(entry.open("rb"), str(entry))
        total += len(files[entry.name])
        _check_total(total, path)
    return files


def _zip_members(path: Path) -> Iterator[tuple[str, bytes]]:
    total = 0
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        if len(infos) > MAX_MEMBERS:
            raise TableError("T141", where=str(path), limit=f"{MAX_MEMBERS} files")
        for info in infos:
            if info.is_dir():
                continue
            total += info.file_size
            _check_total(total, path)
            yield info.filename, _limited(archive.open(info), f"{path} {info.filename}")


def _tar_members(path: Path) -> Iterator[tuple[str, bytes]]:
    total = count = 0
    with tarfile.open(path, "r:*") as archive:
        for member in archive:
            count += 1
            total += max(member.size, 0)
            _check_total(total, path)
            if count > MAX_MEMBERS:
                raise TableError("T141", where=str(path), limit=f"{MAX_MEMBERS} files")
            file = archive.extractfile(member) if member.isreg() else None
            if file is not None:
                yield member.name, _limited(file, f"{path} {member.name}")


def _one_folder(members: dict[str, bytes], marker: str) -> dict[str, bytes]:
    """The files of one folder of an archive, by their names alone."""
    paths = {PurePosixPath(name.replace("\\", "/")): data for name, data in members.items()}
    paths = {
        p: d for p, d in paths.items() if not p.name.startswith(".") and "__MACOSX" not in p.parts
    }
    marked = [p for p in paths if p.name.lower() == marker] or list(paths)
    if not marked:
        return {}
    home = min((p.parent for p in marked), key=lambda p: (len(p.parts), str(p)))
    return {p.name: data for p, data in paths.items() if p.parent == home}


def check_workbook(data: bytes, where: str) -> None:
    """Refuse a workbook whose parts are damaged or would unpack to more than the limit."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
        if len(infos) > MAX_MEMBERS:
            raise TableError("T141", where=where, limit=f"{MAX_MEMBERS} files")
        if not any(i.filename.lower().endswith("workbook.xml") for i in infos):
            raise TableError("T140", where=where, detail="no workbook.xml")
        total = 0
        for info in infos:  # what it unpacks to, not what it says it does
            with archive.open(info) as part:
                while block := part.read(1 << 20):
                    total += len(block)
                    if total > MAX_TOTAL_BYTES:
                        raise TableError("T141", where=where, limit=f"{MAX_TOTAL_BYTES} bytes")


def unpacked(data: bytes, where: str) -> bytes:
    """The bytes, decompressed when they are gzip."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        return _limited(cast(IO[bytes], gzip.GzipFile(fileobj=io.BytesIO(data))), where)
    except (OSError, EOFError, zlib.error) as error:
        raise TableError("T140", where=where, detail=type(error).__name__) from error


def _limited(file: IO[bytes], where: str) -> bytes:
    with file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise TableError("T141", where=where, limit=f"{MAX_FILE_BYTES} bytes")
    return data


def _check_total(total: int, path: Path) -> None:
    if total > MAX_TOTAL_BYTES:
        raise TableError("T141", where=str(path), limit=f"{MAX_TOTAL_BYTES} bytes")
