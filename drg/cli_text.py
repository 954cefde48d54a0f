"""Click classes whose words come from catalogue/cli.toml, in the language of the call.

Help is worded when it is shown, not at import, because ``--lang`` may stand anywhere on the line.
``Group.main`` turns every error into one line on stderr and an exit code (docs/cli.md).
"""

from __future__ import annotations

import errno
import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from types import FrameType
from typing import Any, NoReturn

import click

from drg.errors import DrgError
from drg.text import LANGUAGES, printable, set_language, text

__all__ = [
    "Argument", "Command", "Group", "Option", "TablesError", "echo", "given", "say", "told_notes",
]  # fmt: skip

#: Exit codes beyond DESIGN's 0-3: what a shell reports for these signals, and a bug of ours.
_INTERRUPTED, _TERMINATED, _PIPE_CLOSED, _BUG = 130, 143, 141, 70
_USAGE = 2
_NAME = "drg"
#: What click calls the command that holds all others.
_ROOT = "cli"
#: click names what is too much in brackets at the end of its message.
_IN_BRACKETS = re.compile(r"\((.*)\)$")


def say(key: str, /, **params: object) -> str:
    """One wording of cli.toml in the language of the call."""
    return text(f"cli.{key}", None, **params)


def echo(words: str = "", *, err: bool = False) -> None:
    """Write a line to the terminal; what came from files cannot steer it (``printable``)."""
    click.echo(printable(words), err=err)


def given(ctx: click.Context) -> dict[str, str]:
    """Names of the parameters that the line gives, and what a user calls each."""
    return {
        param.name: param.opts[-1] if isinstance(param, click.Option) else param.human_readable_name
        for param in ctx.command.params
        if param.name and ctx.params.get(param.name)
    }


@contextmanager
def told_notes() -> Iterator[None]:
    """Say on stderr what is noted of an error or interrupt: how to go on, for example."""
    try:
        yield
    except BaseException as error:
        for note in getattr(error, "__notes__", ()):
            echo(note, err=True)
        raise


class _LineError(DrgError):
    """The command line asks for something that is not there."""

    area = "cli"
    exit_code = _USAGE


class TablesError(DrgError):
    """The data tables are not where they are looked for."""

    area = "cli"


class Option(click.Option):
    """An option; its help is the entry ``opt_<name>``, or ``opt_<key>``."""

    def __init__(self, *args: Any, key: str = "", **kwargs: Any) -> None:
        self.key = key
        super().__init__(*args, **kwargs)

    @property
    def help(self) -> str:
        """Wording in the language of the call."""
        return say(f"opt_{self.key or self.name}")

    @help.setter
    def help(self, value: str | None) -> None:
        """Click sets it from the declaration; the catalogue is what counts."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Spelling and help, without click's English remarks but for a default worth showing."""
        record = super().get_help_record(ctx)
        if record is None:
            return None
        extra = say("required") if self.required else ""
        if self.show_default:
            extra = say("default", value=self.default)
        return record[0], f"{self.help}{extra}"


class Argument(click.Argument):
    """An argument, shown by its English name in capitals; docs and help explain it."""


class _Worded(click.Command):
    """Help, usage and headings from the catalogue; ``--lang`` and ``--debug`` everywhere.

    The help is the entry ``<name>_help``, or ``<key>_help``.
    """

    def __init__(self, *args: Any, key: str = "", **kwargs: Any) -> None:
        self.key = key
        super().__init__(*args, **kwargs)
        self.params += [
            Option(
                ["--lang"], type=click.Choice(LANGUAGES), expose_value=False, is_eager=True
            ),
            Option(
                ["--debug"], is_flag=True, hidden=True, expose_value=False, is_eager=True,
                callback=_note_debug,
            ),
        ]  # fmt: skip

    @property
    def help(self) -> str:
        """First line: what it does; the rest: how."""
        return say(f"{self.key or self.name}_help") if self.name != _ROOT else say("drg_help")

    @help.setter
    def help(self, value: str | None) -> None:
        """Click sets it from the docstring; the catalogue is what counts."""

    def get_short_help_str(self, limit: int = 45) -> str:
        """The first line of the help, whole."""
        return self.help.partition("\n")[0]

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """``--help``, worded."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = say("opt_help")
        return option

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Options, arguments and command of the usage line."""
        words = {
            self.options_metavar: say("usage_options"),
            getattr(self, "subcommand_metavar", None): say("usage_command"),
        }
        return [words.get(piece, piece) for piece in super().collect_usage_pieces(ctx)]

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The line ``用法：drg …``."""
        formatter.write_usage(
            ctx.command_path, " ".join(self.collect_usage_pieces(ctx)), say("usage") + " "
        )

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Options under a worded heading."""
        shown = [p for p in self.get_params(ctx) if isinstance(p, click.Option)]
        records = [record for option in shown if (record := option.get_help_record(ctx))]
        if records:
            with formatter.section(say("options")):
                formatter.write_dl(records)


class Command(_Worded):
    """A command of ``drg``."""


class Group(_Worded, click.Group):
    """The command ``drg`` itself, or a command with commands of its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.name == _ROOT:
            self.params.append(
                Option(
                    ["--version"], is_flag=True, expose_value=False, is_eager=True,
                    callback=_version,
                )
            )  # fmt: skip

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Options, then the commands."""
        super().format_options(ctx, formatter)
        names = self.list_commands(ctx)
        with formatter.section(say("commands")):
            formatter.write_dl([(name, self.commands[name].get_short_help_str()) for name in names])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is asked for.

        Raises
        ------
        DrgError
            C104: there is none of that name.
        """
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            near = get_close_matches(args[0], self.commands, n=2) or list(self.commands)
            raise _LineError("C104", name=args[0], near=", ".join(near))
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which a user meets them."""
        return list(self.commands)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Set the language first: help and errors of the whole line are worded with it."""
        if ctx.parent is None:
            set_language(_language(args))
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; when the reader of its output has gone (``| head``), end quietly."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            if not _reader_gone(error):
                raise
            # Nothing may be written at exit either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return _PIPE_CLOSED

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line; see docs/cli.md for the exit codes."""
        args = list(sys.argv[1:] if args is None else args)
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, False, **extra)
        set_language(_language(args))
        _soften_streams()
        before = _hear_sigterm()
        try:
            code = super().main(args, prog_name or _NAME, complete_var, False, **extra)
        except Exception as error:
            if "--debug" in args:
                raise
            code = _told(error)
        except KeyboardInterrupt:
            echo(say("interrupted"), err=True)
            code = _INTERRUPTED
        finally:
            if before is not None:
                signal.signal(signal.SIGTERM, before)
        sys.exit(code if isinstance(code, int) else 0)


def _reader_gone(error: OSError) -> bool:
    """Whether nobody reads stdout any more; Windows calls that an invalid argument."""
    if isinstance(error, BrokenPipeError):
        return True
    if os.name != "nt" or error.errno != errno.EINVAL:
        return False
    try:
        sys.stdout.flush()
    except OSError:
        return True
    return False


def _told(error: Exception) -> int:
    """One line on stderr for an error; its exit code."""
    if isinstance(error, click.Abort):
        echo(say("interrupted"), err=True)
        return _INTERRUPTED
    if isinstance(error, DrgError):
        what, code = str(error), error.exit_code
    elif isinstance(error, click.ClickException):
        what, code = _usage_words(error), _USAGE
    else:
        what, code = say("bug", kind=type(error).__name__, detail=_one_line(str(error))), _BUG
    echo(say("error", what=_one_line(what)), err=True)
    return code


def _one_line(words: str) -> str:
    return " ".join(words.split())


def _usage_words(error: click.ClickException) -> str:
    """What is wrong with the command line, and where to look it up."""
    ctx = getattr(error, "ctx", None)
    path = ctx.command_path if ctx else _NAME
    param = getattr(error, "param", None)
    name = param.get_error_hint(ctx) if param is not None else ""
    match error:
        case click.MissingParameter():
            return say("C101", name=name, command=path)
        case click.NoSuchOption():
            near = ", ".join(error.possibilities or []) or "—"
            return say("C102", name=error.option_name, near=near, command=path)
        case click.BadParameter():
            return say("C103", name=name, allowed=_allowed(error), command=path)
        case click.BadOptionUsage():
            return say("C105", name=error.option_name, command=path)
        case _:
            extra = _IN_BRACKETS.search(error.message)
            return say("C106", extra=extra[1] if extra else error.message, command=path)


def _allowed(error: click.BadParameter) -> str:
    """What may be given instead of a bad value."""
    match error.param.type if error.param is not None else None:
        case click.Choice(choices=choices):
            return " | ".join(map(str, choices))
        case click.IntRange(min=least):
            return say("whole_number", least=least)
        case _:
            return error.message


def _language(args: Sequence[str]) -> str:
    """``--lang`` wherever it stands, else DRG_LANG, else Chinese."""
    chosen = os.environ.get("DRG_LANG", "")
    for place, word in enumerate(args):
        if word == "--":
            break
        if word.startswith("--lang="):
            chosen = word.removeprefix("--lang=")
        elif word == "--lang" and place + 1 < len(args):
            chosen = args[place + 1]
    return chosen if chosen in LANGUAGES else LANGUAGES[0]


def _note_debug(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    """``--debug`` is read off the command line itself, so that it covers errors in parsing it."""


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from drg import __version__

        echo(f"drg-engine {__version__}")
        ctx.exit()


def _soften_streams() -> None:
    """On a console that is not UTF-8 (GBK), a character it lacks is shown as ``?``."""
    for stream in (sys.stdout, sys.stderr):
        encoding = (getattr(stream, "encoding", None) or "").lower().replace("-", "")
        if encoding != "utf8" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _hear_sigterm() -> Any:
    """Turn SIGTERM into an orderly exit; the handler before it, None if none could be set."""

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit(_TERMINATED)

    try:
        return signal.signal(signal.SIGTERM, leave)
    except ValueError:  # not the main thread: signals are not ours there
        return None
