"""Holds every file beside this one to SHA256SUMS; needs nothing but Python."""

import hashlib
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Say what differs; 0 when nothing does."""
    lines = (HERE / "SHA256SUMS").read_text("utf-8").splitlines()
    sums = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    faults = []
    for name, digest in sums.items():
        path = HERE / name
        if not path.is_file():
            faults.append(f"missing: {name}")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            faults.append(f"changed: {name}")
    faults += [
        f"not listed: {path.name}"
        for path in (HERE / "wheels").iterdir()
        if f"wheels/{path.name}" not in sums
    ]
    print("\n".join(faults) or f"{len(sums)} files as listed in SHA256SUMS")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
