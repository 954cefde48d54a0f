"""The parts of a large month beside its folder: memory stays free, and a killed run goes on.

A part that has been assessed is a file (``drg.payment.pricing.carry``) that is mapped, not read,
and a record in a journal that says of which inputs it is. A run that is told other inputs or
settings begins anew with the first part that they touch; nothing of two runs is mixed.
"""

from __future__ import annotations

import contextlib
import mmap
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from drg.claims.input_files import InputFile
from drg.claims.writers import atomic_path
from drg.payment.mechanisms.standard import PaymentError
from drg.payment.pricing.carry import pack, unpack
from drg.scale import RunError
from drg.scale.journal import Journal, discard
from drg.settlement.part import Part

__all__ = ["KeptParts", "parts_folder"]


def parts_folder(folder: Path) -> Path:
    """Where the parts of a month are kept until it is settled."""
    final = folder.resolve()
    return final.with_name(f".{final.name}.drg-run")


class KeptParts:
    """Parts of one run on disk.

    Parameters
    ----------
    folder : Path
        ``parts_folder``.
    plan : mapping
        JSON values that decide what assessing a claim gives, but for the claims.
    inputs : sequence of InputFile
    rows : sequence of int
        Of each input.
    size : int
        Rows of a part.

    Attributes
    ----------
    found : list of Part
        Of an earlier run, from the first row on without a gap.
    known : list of str or None
        Digest that each input must have for them to be used.
    """

    def __init__(
        self,
        folder: Path,
        plan: Mapping[str, Any],
        inputs: Sequence[InputFile],
        rows: Sequence[int],
        size: int,
    ) -> None:
        self._inputs, self._size = inputs, size
        self._ends: list[int] = []
        for count in rows:
            self._ends.append(count + (self._ends[-1] if self._ends else 0))
        self._crcs: dict[int, int] = {}
        self._journal = _begun(folder, plan)
        self.known: list[str | None] = [None] * len(inputs)
        self.found = list(self._earlier())

    def keep(self, part: Part) -> Part:
        """Put a part on disk; the same part, its claims' arrays in the file."""
        path = self._path(part.first_row)
        data = pack(part.assessed)
        self._crcs[part.first_row] = zlib.crc32(data)
        with atomic_path(path) as draft:
            draft.write_bytes(data)
        return Part(part.first_row, part.height, unpack(_mapped(path), copy=False))

    def note(self, part: Part, digests: Mapping[int, str]) -> None:
        """Note that a part is finished, parts in their order.

        Parameters
        ----------
        digests : mapping of int to str
            Of each input in ``touched(part)``.
        """
        path = self._path(part.first_row)
        inputs = [
            {"name": self._inputs[n].name, **_stat(self._inputs[n].path), "sha256": digest}
            for n, digest in digests.items()
        ]
        crc = self._crcs.pop(part.first_row)
        told = {"rows": part.height, "crc": crc, "inputs": inputs}
        self._journal.note(path.stem, told)

    def touched(self, first_row: int, height: int) -> range:
        """Inputs that rows stand in."""
        last = first_row + height - 1
        begin = next((n for n, end in enumerate(self._ends) if end >= first_row), 0)
        stop = next((n for n, end in enumerate(self._ends) if end >= last), 0)
        return range(begin, stop + 1)

    def remove(self) -> None:
        """Nothing of it is needed any more."""
        # Windows removes no file that is still mapped: the next run does.
        with contextlib.suppress(OSError):
            self._journal.remove()

    def _earlier(self) -> Iterator[Part]:
        row, total = 1, self._ends[-1] if self._ends else 0
        while row <= total:
            path, height = self._path(row), min(self._size, total - row + 1)
            told = self._journal.record(path.stem)
            touched = self.touched(row, height)
            if told is None or told["rows"] != height or not self._same(told, touched):
                return
            try:
                data = _mapped(path)
                if zlib.crc32(data) != told["crc"]:
                    return
                part = Part(row, height, unpack(data, copy=False))
            except (OSError, ValueError, PaymentError):
                return
            for n, one in zip(touched, told["inputs"], strict=True):
                self.known[n] = one["sha256"]
            yield part
            row += height

    def _same(self, told: Mapping[str, Any], touched: range) -> bool:
        """Whether a record is about these inputs as they are."""
        now = [{"name": self._inputs[n].name, **_stat(self._inputs[n].path)} for n in touched]
        then = [{name: one.get(name) for name in now[0]} for one in told["inputs"]]
        return now == then

    def _path(self, first_row: int) -> Path:
        return self._journal.folder / f"rows-{first_row:012d}.arrays"


def _begun(folder: Path, plan: Mapping[str, Any]) -> Journal:
    """The journal of a run with this plan; one of another plan is thrown away."""
    try:
        return Journal(folder, plan)
    except RunError:  # another plan, or a damaged one
        discard(folder)
    return Journal(folder, plan)


def _mapped(path: Path) -> mmap.mmap:
    """A file in memory, read as it is looked at; what is written to it stays in this process."""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)


def _stat(path: Path) -> dict[str, int]:
    found = path.stat()
    return {"bytes": found.st_size, "changed_ns": found.st_mtime_ns}
