"""Group runs that are settled: held to what their manifests say, files and scheme."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from drg.payment.mechanisms.standard import PaymentError
from drg.scale import RunError
from drg.scale.run_manifest import RunManifest, read_run

if TYPE_CHECKING:
    from drg.claims.input_files import InputFile
    from drg.payment.policy import Policy

__all__ = ["GroupRuns"]


class GroupRuns:
    """The runs of ``drg group`` among the folders that are settled.

    Parameters
    ----------
    paths : sequence of Path
        As named by the caller.

    Raises
    ------
    RunError
        C231: a manifest is damaged.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        found = ((path, read_run(path)) for path in paths if path.is_dir())
        self._runs: list[tuple[Path, RunManifest]] = [
            (path, manifest) for path, manifest in found if manifest is not None
        ]

    def check_scheme(self, policy: Policy, wanted: str) -> None:
        """Hold the scheme of each run to the policy's.

        Where the day of discharge chose a version, each claim names it, and pricing looks.

        Parameters
        ----------
        policy : Policy
        wanted : str
            Scheme that it pays by; ``""``: any.

        Raises
        ------
        PaymentError
            P426.
        """
        for _, run in self._runs:
            scheme = str(run.scheme["id"])
            if wanted and not run.scheme.get("version") and scheme != wanted:
                raise PaymentError("P426", policy=policy.id, wanted=wanted, found=scheme)

    def check_files(self, files: Sequence[InputFile], digests: Sequence[str]) -> None:
        """Hold the files of each run to its manifest.

        Parameters
        ----------
        files : sequence of InputFile
        digests : sequence of str
            SHA-256 of each.

        Raises
        ------
        RunError
            C251: a part is missing, is not as it was written, or one is there that the run did not
            write.
        """
        found = {file.path.resolve(): sha for file, sha in zip(files, digests, strict=True)}
        for folder, run in self._runs:
            told = {(folder / part.file).resolve(): part.sha256 for part in run.parts}
            root = folder.resolve()
            own = {path: sha for path, sha in found.items() if root in path.parents}
            if told != own:
                wrong = sorted(
                    path.relative_to(root).as_posix()
                    for path in told.keys() | own.keys()
                    if told.get(path) != own.get(path)
                )
                raise RunError("C251", where=str(folder), count=len(wrong), first=wrong[0])
