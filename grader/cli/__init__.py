"""The words a person types. Each command is thin: typed arguments, one call, one print.

A command's module is imported when that command runs, so `grader --help` costs click and nothing else. Errors
become text and exit codes here and nowhere else:

    0 graded (also a low mark)   1 below --fail-under, or a mutant missed   2 usage   3 course or rubric
    4 submission cannot be read at all   5 sandbox or machine
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
import traceback
from typing import Any, NoReturn

import click

from grader import __version__
from grader.errors import GraderError, MachineError, refused_by_machine

COMMANDS = {
    "check": ("grader.cli.check:check", "Check one submission and print the report."),
    "import": ("grader.cli.import_:import_", "Import the LMS's download: whose each hand-in is."),
    "run-all": ("grader.cli.run_all:run_all", "Grade every submission in a folder."),
    "report": ("grader.cli.report:report", "A class or one hand-in: terminal, HTML pages, PDF."),
    "export": ("grader.cli.export:export", "Write the grades as your LMS reads them."),
    "review": ("grader.cli.review:review", "Review hand-ins on a page: what waits for a person first."),
    "serve": ("grader.cli.serve:serve", "Let students hand in by themselves and see their results."),
    "regrade": ("grader.cli.regrade:regrade", "Grade a class again: who changes, and by how much."),
    "originality": ("grader.cli.originality:originality", "The pairs that the last run found alike."),
    "read": ("grader.cli.read:read", "Recompute what a report prints and claims, without a rubric."),
    "answers": ("grader.cli.answers:answers", "Draft answers.json from a report."),
    "init": ("grader.cli.init:init", "Start an assignment from its template."),
    "rubric": ("grader.cli.rubric:rubric", "Lint, show, test and describe rubrics."),
    "reference": ("grader.cli.reference:reference", "The course's own networks: list, train, measure."),
    "data": ("grader.cli.data:data", "The image sets, and where they are."),
    "doctor": ("grader.cli.doctor:doctor", "Is this machine ready to grade?"),
    "completion": ("grader.cli.completion:completion", "Tab completion for your shell."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are run; the help needs their first lines only."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else f" Commands: {', '.join(COMMANDS)}."
            raise click.UsageError(str(error.message).rstrip(".") + "." + hint, ctx) from error


ABOUT = """Recompute what a deep-learning student claims, and score it by the teacher's rubric.

\b
Start here:
  grader init digits my-digits     # copy the template
  grader check my-digits           # see what is right, what is missing, and why
"""


@click.command(
    cls=LazyGroup,
    help=ABOUT,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="grader")
def cli() -> None:
    """Hold the commands; there is nothing to do before one."""


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code."""
    # Importing makes a hundred thousand objects that stay: with the usual 700, a student's check spends a tenth of its
    # time looking for rings among them that nobody holds.
    gc.set_threshold(100_000, 10, 10)
    from grader.cli.streams import prepare

    prepare()
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        if signal.getsignal(number) is signal.SIG_DFL:  # not where nohup has it ignored
            signal.signal(number, _told_to_end)
    sys.unraisablehook = _dropped
    try:
        code = run(arguments)
    except KeyboardInterrupt:  # one more Ctrl-C, while the one before was being told of
        code = 130
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the code is settled: a Ctrl-C while Python ends must not change it
    gc.freeze()  # Python looks three times more through all that is left; the process's end frees it anyway
    sys.exit(code)


class ToldToEndError(KeyboardInterrupt):
    """A signal asked this process to end: everything is tidied up as after Ctrl-C."""

    def __init__(self, number: int) -> None:
        self.exit_code = 128 + number
        super().__init__()


def _told_to_end(number: int, _frame: object) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # said once is enough: the tidying up takes a moment
    raise ToldToEndError(number)


def _dropped(what: sys.UnraisableHookArgs) -> None:
    """Say it once more: where a signal arrives within a finalizer, Python drops what its handler raises."""
    stop = what.exc_value
    if not isinstance(stop, KeyboardInterrupt):
        sys.__unraisablehook__(what)
        return
    import threading

    number: int = signal.SIGINT
    if isinstance(stop, ToldToEndError):
        number = stop.exit_code - 128
        signal.signal(number, _told_to_end)
    threading.Timer(0.05, os.kill, (os.getpid(), number)).start()  # when the finalizer is over


def run(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code. The one place where errors become text."""
    try:
        code: Any = cli.main(args=arguments, prog_name="grader", standalone_mode=False)
    except GraderError as error:
        _show(error)
        return error.exit_code
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt) as stop:
        click.echo("stopped", err=True)
        why = stop if isinstance(stop, ToldToEndError) else stop.__cause__
        return why.exit_code if isinstance(why, ToldToEndError) else 130
    except Exception as error:  # noqa: BLE001  whatever is left is a bug of ours, never a low mark
        if isinstance(error, (OSError, MemoryError)) and (told := refused_by_machine(error)):
            _show(told)
            return told.exit_code
        traceback.print_exc()
        click.echo("\nThis is a bug in grader, not in your submission. Please report the lines above.", err=True)
        return MachineError.exit_code
    return code if isinstance(code, int) else 0


def _show(error: GraderError) -> None:
    from rich.console import Console

    from grader.reports.terminal import show_problems

    show_problems(Console(stderr=True, soft_wrap=True), error.problems)
