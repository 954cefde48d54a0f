"""What the operating system said, as a code that is the same in every language (``ENOSPC``)."""

from __future__ import annotations

import errno
import re

__all__ = ["DENIED", "FULL", "system_code"]

#: Codes that mean: not allowed, and no room.
DENIED = ("EACCES", "EPERM", "EROFS")
FULL = ("ENOSPC", "EDQUOT")

#: How polars words what the system told it.
_OS_ERROR = re.compile(r"os error (\d+)")


def system_code(error: BaseException) -> str:
    """Symbol of the system's error code; the kind of the exception when there is none.

    Examples
    --------
    >>> system_code(OSError("parquet: No space left on device (os error 28)"))
    'ENOSPC'
    """
    number = getattr(error, "errno", None)
    if number is None and (told := _OS_ERROR.search(str(error))):
        # On Windows the number is one of Windows' own, and the constructor translates it.
        number = OSError(int(told[1]), "", None, int(told[1])).errno
    return errno.errorcode.get(number or 0, type(error).__name__)
