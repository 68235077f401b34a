"""The command `parlant-supabase`."""

import sys
from typing import Annotated

import typer

from parlant_supabase.cli.commands import Commands
from parlant_supabase.cli.display import err, out, plain
from parlant_supabase.cli.errors import CommandError
from parlant_supabase.customer_data.errors import CustomerDataError
from parlant_supabase.deployment.errors import DeploymentError
from parlant_supabase.errors import SupabaseAdapterError
from parlant_supabase.transfer.errors import TransferError
from parlant_supabase.versions import SQL_VERSION, __version__

app = typer.Typer(
    cls=Commands,
    help="Parlant's data in Supabase.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        out.print(f"parlant-supabase {__version__}, SQL version {SQL_VERSION}")
        raise typer.Exit


@app.callback()
def _before_every_command(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_show_version,
            is_eager=True,
            help="Print the versions of the package and of the SQL that it needs.",
        ),
    ] = False,
) -> None:
    """Parlant's data in Supabase."""


def main() -> None:
    """Run the command line; what its user can act on is one sentence, never a traceback."""
    try:
        app(prog_name="parlant-supabase")
    except (
        CommandError,
        CustomerDataError,
        DeploymentError,
        SupabaseAdapterError,
        TransferError,
    ) as error:
        err.print("[bold red]Error:[/] ", end="")
        err.print(plain(error), soft_wrap=True)
        sys.exit(1)
