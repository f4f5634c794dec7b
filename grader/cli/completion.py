"""`grader completion`: the few lines that make Tab complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command(epilog='Example: eval "$(grader completion bash)"')
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for SHELL, to be evaluated in its start-up file."""
    from grader.cli import cli

    kind = get_completion_class(shell)
    if kind is None:  # pragma: no cover  Choice allows only shells that click knows
        raise click.UsageError(f"no completion for {shell}")
    click.echo(kind(cli, {}, "grader", "_GRADER_COMPLETE").source())
