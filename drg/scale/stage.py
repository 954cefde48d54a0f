"""Several files into a folder that is somebody's: all of them in the end, or none."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drg.claims.encoding import DENIED, FULL, system_code
from drg.errors import InputError
from drg.placing import put_in_place

__all__ = ["staged"]


@contextmanager
def staged(folder: str | Path) -> Iterator[Path]:
    """A place to write files that are moved into ``folder`` when the block ends well.

    Files of these names are replaced; whatever else lies in the folder stays.

    Parameters
    ----------
    folder : str or Path
        Made if it does not exist.

    Raises
    ------
    InputError
        F209 no room, F210 no permission, F204 another reason of the system.
    """
    target = Path(folder)
    made = not target.exists()
    try:
        target.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".drg-", dir=target))
        try:
            yield draft
            for path in sorted(draft.iterdir()):
                put_in_place(path, target / path.name)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
            if made and not any(target.iterdir()):
                target.rmdir()
    except OSError as error:
        system = system_code(error)
        code = "F209" if system in FULL else "F210" if system in DENIED else "F204"
        raise InputError(code, where=str(folder), system=system) from error
