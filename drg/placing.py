"""The last step of writing: what is finished gets its name, on Windows with some patience."""

from __future__ import annotations

import os
import time
from pathlib import Path

__all__ = ["put_in_place"]

#: Windows refuses to move what a virus scanner or an indexer is just looking at: a matter of
#: moments. A file that somebody has open in Excel is refused to the end.
_PATIENCE = 2.0 if os.name == "nt" else 0.0
_PAUSE = 0.05


def put_in_place(draft: Path, final: Path) -> None:
    """Move a finished file or folder to its name in one step; a file there is replaced.

    A folder there is not: ``final`` is free then, or an empty folder on a system that allows it.

    Raises
    ------
    OSError
        The system refuses; on Windows, still after two seconds.
    """
    move = draft.rename if draft.is_dir() else draft.replace
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            move(final)
        except PermissionError:
            if time.monotonic() >= end:
                raise
            time.sleep(_PAUSE)
        else:
            return
