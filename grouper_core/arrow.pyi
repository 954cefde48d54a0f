from typing import Protocol
from typing_extensions import disjoint_base

class _ArrowStream(Protocol):
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@disjoint_base
class ClaimBatch:
    @property
    def rows(self) -> int: ...

def read_stream(
    source: _ArrowStream,
    dx_columns: tuple[str, ...],
    px_columns: tuple[str, ...],
    *,
    dx_joined: bool = False,
    px_joined: bool = False,
    separator: str = "|",
) -> list[ClaimBatch]: ...
