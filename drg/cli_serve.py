"""``drg serve``: the service and its page. A thin click command, no logic of its own."""

from __future__ import annotations

from pathlib import Path

import click

from drg.cli_text import Command, Option, echo
from drg.service.settings import MIB, Limits, Settings
from drg.text import text

__all__ = ["serve"]

_POSITIVE = click.IntRange(min=1)
_USUAL, _MOST = Settings(), Limits()


@click.command("serve", cls=Command)
@click.option("--host", cls=Option, key="serve_host", default=_USUAL.host, show_default=True,
              metavar="ADDRESS")  # fmt: skip
@click.option("--port", cls=Option, key="serve_port", default=_USUAL.port, show_default=True,
              type=click.IntRange(0, 65535), metavar="N")  # fmt: skip
@click.option("--allow-remote", cls=Option, key="serve_remote", is_flag=True)
@click.option("-s", "--scheme", cls=Option, key="serve_scheme", default=_USUAL.scheme,
              show_default=True, metavar="SCHEME")  # fmt: skip
@click.option("-p", "--policy", "policy_id", cls=Option, key="serve_policy", metavar="POLICY")
@click.option("--reference", cls=Option, key="serve_reference",
              type=click.Path(path_type=Path), metavar="FILE")  # fmt: skip
@click.option("--hospitals", cls=Option, key="settle_hospitals",
              type=click.Path(path_type=Path), metavar="FILE")  # fmt: skip
@click.option("--open", "show", cls=Option, key="serve_open", is_flag=True)
@click.option("--max-json", cls=Option, key="serve_max_json", default=_MOST.json_bytes // MIB,
              show_default=True, type=_POSITIVE, metavar="MIB")  # fmt: skip
@click.option("--max-file", cls=Option, key="serve_max_file", default=_MOST.batch_bytes // MIB,
              show_default=True, type=_POSITIVE, metavar="MIB")  # fmt: skip
@click.option("--max-rows", cls=Option, key="serve_max_rows", default=_MOST.rows,
              show_default=True, type=_POSITIVE, metavar="N")  # fmt: skip
@click.option("--max-codes", cls=Option, key="serve_max_codes", default=_MOST.codes,
              show_default=True, type=_POSITIVE, metavar="N")  # fmt: skip
@click.option("--max-files", cls=Option, key="serve_max_files", default=_MOST.batches,
              show_default=True, type=_POSITIVE, metavar="N")  # fmt: skip
@click.option("--max-seconds", cls=Option, key="serve_max_seconds", default=int(_MOST.seconds),
              show_default=True, type=_POSITIVE, metavar="SECONDS")  # fmt: skip
def serve(
    host: str,
    port: int,
    allow_remote: bool,
    scheme: str,
    policy_id: str | None,
    reference: Path | None,
    hospitals: Path | None,
    show: bool,
    max_json: int,
    max_file: int,
    max_rows: int,
    max_codes: int,
    max_files: int,
    max_seconds: int,
) -> None:
    """Serve the page and the HTTP interface."""
    from drg.service.run import serve as run

    limits = Limits(
        json_bytes=max_json * MIB,
        batch_bytes=max_file * MIB,
        rows=max_rows,
        codes=max_codes,
        batches=max_files,
        seconds=max_seconds,
    )
    settings = Settings(
        host=host,
        port=port,
        allow_remote=allow_remote,
        scheme=scheme,
        policy=policy_id,
        reference=reference,
        hospitals=hospitals,
        limits=limits,
    )

    def ready(url: str) -> None:
        echo(text("service.serving", url=url))
        if allow_remote:
            echo(text("service.serving_remote"), err=True)

    run(settings, ready, show=show)
