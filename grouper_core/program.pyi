from typing import Any
from typing_extensions import disjoint_base

FIELD_NULL: int
FIELD_INVALID: int

@disjoint_base
class Program:
    def __init__(self, arrays: dict[str, Any], settings: dict[str, Any]) -> None: ...
    @property
    def n_leaves(self) -> int: ...
    @property
    def n_columns(self) -> int: ...
