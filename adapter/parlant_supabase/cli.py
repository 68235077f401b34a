"""The command `parlant-supabase`."""

import sys

import typer
from rich.console import Console
from rich.markup import escape

from .local.commands import local_commands
from .local.errors import LocalStackError

app = typer.Typer(
    help="Parlant's data in Supabase.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(local_commands, name="local")


@app.callback()
def _keep_command_groups() -> None:
    """Parlant's data in Supabase."""


def main() -> None:
    """Run the command line; what its user can act on is one sentence, never a traceback."""
    try:
        app()
    except LocalStackError as error:
        Console(stderr=True).print(f"[bold red]Error:[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
