"""The command `parlant-supabase`."""

import sys

import typer

from parlant_supabase.commands.display import err, plain
from parlant_supabase.commands.doctor import doctor
from parlant_supabase.commands.errors import CommandError
from parlant_supabase.commands.failed import failed_commands
from parlant_supabase.commands.init import init
from parlant_supabase.errors import SupabaseAdapterError
from parlant_supabase.local.commands import local_commands
from parlant_supabase.local.errors import LocalStackError

app = typer.Typer(
    help="Parlant's data in Supabase.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(init)
app.command()(doctor)
app.add_typer(failed_commands, name="failed")
app.add_typer(local_commands, name="local")


@app.callback()
def _keep_command_groups() -> None:
    """Parlant's data in Supabase."""


def main() -> None:
    """Run the command line; what its user can act on is one sentence, never a traceback."""
    try:
        app(prog_name="parlant-supabase")
    except (CommandError, LocalStackError, SupabaseAdapterError) as error:
        err.print("[bold red]Error:[/] ", end="")
        err.print(plain(error), soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
