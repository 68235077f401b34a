"""The command `parlant-supabase`."""

import sys
from typing import Annotated

import typer

from parlant_supabase.cli.display import err, out, plain
from parlant_supabase.cli.doctor import doctor
from parlant_supabase.cli.erase import anonymize_commands, erase_commands
from parlant_supabase.cli.errors import CommandError
from parlant_supabase.cli.expire import expire
from parlant_supabase.cli.export import export_command
from parlant_supabase.cli.failed import failed_commands
from parlant_supabase.cli.import_ import import_command
from parlant_supabase.cli.init import init
from parlant_supabase.cli.local import LocalStackError, local_commands
from parlant_supabase.cli.sessions import session_commands
from parlant_supabase.customer_data.errors import CustomerDataError
from parlant_supabase.deployment.errors import DeploymentError
from parlant_supabase.errors import SupabaseAdapterError
from parlant_supabase.transfer.errors import TransferError
from parlant_supabase.versions import SQL_VERSION, __version__

app = typer.Typer(
    help="Parlant's data in Supabase.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(init)
app.command()(doctor)
app.command("import")(import_command)
app.command("export")(export_command)
app.command()(expire)
app.add_typer(session_commands, name="sessions")
app.add_typer(erase_commands, name="erase")
app.add_typer(anonymize_commands, name="anonymize")
app.add_typer(failed_commands, name="failed")
app.add_typer(local_commands, name="local")


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
        LocalStackError,
        SupabaseAdapterError,
        TransferError,
    ) as error:
        err.print("[bold red]Error:[/] ", end="")
        err.print(plain(error), soft_wrap=True)
        sys.exit(1)
