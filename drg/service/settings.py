"""What the service is started with: where it listens, what is assumed, how much a request may ask.

Importing this module loads neither FastAPI nor polars, so that ``drg --help`` answers at once.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from drg.service.errors import ServiceError

__all__ = ["MIB", "Limits", "Settings", "is_loopback"]

MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much one request may ask, and how many at once.

    Attributes
    ----------
    json_bytes, batch_bytes : int
        Largest body of a request with JSON, and of a file.
    codes : int
        Most diagnoses of a claim, and most procedures.
    seconds : float
        Longest time a file may take, from its first byte on; also for a JSON body to come in.
    rows : int
        Most claims of a file.
    batches : int
        Files at work at once; a further one is told to come again later.
    query : int
        Longest text that codes are searched by, characters.
    """

    json_bytes: int = MIB
    batch_bytes: int = 512 * MIB
    codes: int = 200
    seconds: float = 600.0
    rows: int = 5_000_000
    batches: int = 2
    query: int = 100


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What ``drg serve`` was asked for.

    Attributes
    ----------
    host : str
        Address to listen on: a loopback one, unless ``allow_remote``.
    port : int
        0: any free one.
    allow_remote : bool
        Listen where other machines can reach it.
    scheme : str
        Scheme, catalogue or place where a request names neither scheme nor policy.
    policy : str, optional
        Policy where a request names none.
    reference : Path, optional
        Means of groups (``drg kpi --save-reference``).
    hospitals : Path, optional
        Register of hospitals: their levels and coefficients, where claims do not tell them.
    limits : Limits
    """

    host: str = "127.0.0.1"
    port: int = 8765
    allow_remote: bool = False
    scheme: str = "chs-drg-2.0"
    policy: str | None = None
    reference: Path | None = None
    hospitals: Path | None = None
    limits: Limits = Limits()

    def check_host(self) -> None:
        """Refuse to listen where other machines can reach, unless that was asked for.

        Raises
        ------
        ServiceError
            H401.
        """
        if not self.allow_remote and not is_loopback(self.host):
            raise ServiceError("H401", host=self.host)


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine alone."""
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
