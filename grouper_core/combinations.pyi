from typing import Any
from typing_extensions import disjoint_base

@disjoint_base
class CombinationProgram:
    def __init__(self, arrays: dict[str, Any], settings: dict[str, Any]) -> None: ...
    @property
    def n_leaves(self) -> int: ...
