"""What a fuzz target may answer: a result, or a documented error that can be told.

A target is a function of bytes. It returns, whatever they are; what it raises is a finding.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from drg.errors import DrgError

#: Between the parts of an input that stands for several files: a line ``@@ name``.
_PART = re.compile(rb"^@@ ([\w.-]{1,40})\n", re.MULTILINE)


@contextmanager
def documented() -> Iterator[None]:
    """Take an error of ours, once it could be told in both languages and sent elsewhere."""
    try:
        yield
    except DrgError as error:
        kind, arguments = error.__reduce__()  # type: ignore[misc]
        for lang in ("zh", "en"):
            told = error.message(lang)
            assert told.startswith(f"[{error.code}] "), told
            assert told == kind(*arguments).message(lang)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for one input, in memory where the machine has such."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        prefix="drg-fuzz-", dir=memory if memory.is_dir() else None
    ) as folder:
        yield Path(folder)


def parts(data: bytes) -> dict[str, bytes]:
    """The files that an input stands for; what stands before the first name has the name ``""``.

    Examples
    --------
    >>> parts(b"a @@ b\\n@@ x.csv\\n1,2\\n")
    {'': b'a @@ b\\n', 'x.csv': b'1,2\\n'}
    """
    first, *rest = _PART.split(data)
    named = zip((name.decode() for name in rest[::2]), rest[1::2], strict=True)
    return {"": first, **dict(named)}


def chosen(data: bytes, kinds: Sequence[str]) -> tuple[str, bytes]:
    """The kind that an input's first byte names, and what follows it.

    Examples
    --------
    >>> chosen(b"ba,b", ("csv", "tsv"))
    ('tsv', b'a,b')
    """
    return kinds[(data[0] - ord("a")) % len(kinds)] if data else kinds[0], data[1:]
