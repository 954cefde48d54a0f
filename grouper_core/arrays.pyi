from typing import Any
from typing_extensions import disjoint_base

@disjoint_base
class ArrayReader:
    def __init__(self, arrays: dict[str, Any]) -> None: ...
