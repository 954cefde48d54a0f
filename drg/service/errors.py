"""Errors of the service: the codes H401-H449, and the answer any error becomes."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from drg.errors import DrgError
from drg.paths import tables_root
from drg.text import text

__all__ = ["ServiceError", "problem_of"]

#: Codes to the status they are answered with; any other error of ours is about the request: 422.
_STATUS: Mapping[str, int] = {
    "H410": 404,
    "H411": 405,
    "H412": 403,
    "H413": 403,
    "H414": 415,
    "H415": 413,
    "H416": 408,
    "H417": 400,
    "H430": 503,
    "H431": 503,
    "H440": 500,
}
_ABOUT_THE_REQUEST = 422
#: The file of a request, and its result, where they lie while they are worked on.
_FOLDERS = re.compile(r"\S*drg-serve-\S*[/\\](?:claims|result)\.[a-z]+")


class ServiceError(DrgError):
    """A request cannot be answered, or the service not be started.

    Attributes
    ----------
    status : int
        HTTP status of the answer.
    """

    area = "service"
    exit_code = 2

    @property
    def status(self) -> int:
        """HTTP status of the answer."""
        return _STATUS.get(self.code, _ABOUT_THE_REQUEST)


def problem_of(error: DrgError, name: str = "") -> dict[str, str]:
    """The answer to a request that an error ended: ``code, what, where, mend``.

    Parameters
    ----------
    error : DrgError
    name : str, optional
        What the file of the request is called: told in place of where it lies on this machine.
    """
    key = f"{error.area}.{error.code}"
    return {
        "code": error.code,
        "what": text(key, None, **error.params),
        "where": _public(error.where, name),
        "mend": text(f"{key}.mend", None, **error.params),
    }


def status_of(error: DrgError) -> int:
    """HTTP status of the answer to an error."""
    return error.status if isinstance(error, ServiceError) else _ABOUT_THE_REQUEST


def _public(where: str, name: str) -> str:
    """A place as it may be told: folders of this machine left out."""
    where = where.replace(f"{tables_root()}{os.sep}", "tables/")
    return _FOLDERS.sub(name, where) if name else where
