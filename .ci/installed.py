"""Does an installed wheel work? Groups and settles made-up claims; needs no network."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HOSPITALS = "hospital_id,level\n" + "".join(f"H{n:04},tertiary\n" for n in range(1, 13))


def main() -> None:
    """Run the commands one after the other in an empty folder; the first that fails ends it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder, "h.csv").write_text(HOSPITALS, "utf-8")
        environment = os.environ | {"DRG_CACHE": str(Path(folder, "cache")), "PYTHONUTF8": "1"}
        environment.pop("PYTHONPATH", None)
        for line, ends in (
            ("schemes", 0),
            ("synth -s haerbin-2022 -n 500 --seed 1 --month 2024-06 -o claims.parquet", 0),
            ("group claims.parquet -s haerbin-2022 -o grouped.parquet", 1),  # some are rejected
            ("settle grouped.parquet -p demo-2024 --month 2024-06 --hospitals h.csv -o month", 1),
            ("group claims.parquet -s haerbin-2022 -o grouped.xlsx", 1),
        ):
            command = [sys.executable, "-m", "drg", *line.split()]
            done = subprocess.run(command, cwd=folder, env=environment, check=False)
            if done.returncode != ends:
                sys.exit(f"drg {line}: exit code {done.returncode}, wanted {ends}")
        print("installed and at work")


if __name__ == "__main__":
    main()
