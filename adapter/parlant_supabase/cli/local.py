"""`parlant-supabase local`: the local stack on the command line."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from typer.core import TyperGroup

from parlant_supabase import remedies
from parlant_supabase.cli.display import err, out
from parlant_supabase.cli.errors import CommandError
from parlant_supabase.local import background
from parlant_supabase.local.data_directory import DataDirectory
from parlant_supabase.local.database import StackDatabase
from parlant_supabase.local.db_push import require_project
from parlant_supabase.local.driver import require_driver
from parlant_supabase.local.errors import LocalStackError
from parlant_supabase.local.packages import find_programs, require_supported_platform
from parlant_supabase.local.service_user import choose_service_user
from parlant_supabase.local.supervision import is_running, read_state

DataDirectoryOption = Annotated[
    Path,
    typer.Option("--data-dir", help="Folder that the stack keeps its data and keys in."),
]


class _LocalCommands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except LocalStackError as error:
            raise CommandError(str(error)) from error


local_commands = typer.Typer(
    cls=_LocalCommands,
    help="Run a Supabase stack on this machine, without Docker.",
    no_args_is_help=True,
)


@local_commands.callback()
def _require_supported_platform() -> None:
    require_supported_platform()


@local_commands.command()
def start(
    data_dir: DataDirectoryOption = remedies.DEFAULT_DATA_DIRECTORY,
    locale: Annotated[
        str | None,
        typer.Option(
            help="ICU locale that text sorts by, such as en-US; by default it sorts by code point. "
            "Counts when the data is first made."
        ),
    ] = None,
    schema: Annotated[
        list[str] | None,
        typer.Option(help="Schema that the API exposes, by default public; give one or several."),
    ] = None,
    project: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a Supabase project to deploy, one that `init` was run in; by default "
            "the package's own migrations are deployed."
        ),
    ] = None,
) -> None:
    """Boot the stack in the background, deploy to it, print its URL and keys."""
    if project is not None:
        require_project(project)
    data = DataDirectory(data_dir)
    if is_running(data.path):
        database = background.attach(data)
        typer.echo(f"The local stack in {data.path} is already running.")
    else:
        require_driver()
        with err.status("") as display:

            def report(step: str) -> None:
                display.update(f"{step} ...")

            def report_download(step: str) -> None:
                # Takes minutes, so that it is worth a line where no status can be displayed.
                if err.is_terminal:
                    report(step)
                else:
                    err.print(f"{step} ...", soft_wrap=True)

            find_programs(choose_service_user(data.postgres), report_download)
            background.start(data, locale=locale, schemas=schema, project=project, report=report)
        database = background.attach(data)
        typer.echo(f"The local stack is running; its data is in {data.path}.")
    _print_connection(database)
    typer.echo(
        f"Use it:  export $({remedies.local('env', data_dir)})\n"
        f"Stop it: {remedies.local('stop', data_dir)}"
    )


@local_commands.command()
def env(data_dir: DataDirectoryOption = remedies.DEFAULT_DATA_DIRECTORY) -> None:
    """Print the running stack's settings as a shell and a .env file read them."""
    database = background.attach(DataDirectory(data_dir))
    for name, value in (
        ("SUPABASE_URL", database.url),
        ("SUPABASE_KEY", database.service_role_key),
        ("SUPABASE_ANON_KEY", database.anon_key),
        ("DATABASE_URL", database.database_url),
    ):
        typer.echo(f"{name}={value}")


@local_commands.command()
def status(
    data_dir: DataDirectoryOption = remedies.DEFAULT_DATA_DIRECTORY,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print everything as one JSON object.")
    ] = False,
) -> None:
    """Show what runs where, and which SQL version is deployed."""
    data = DataDirectory(data_dir)
    database = background.attach(data)
    state = read_state(data.path)
    services = {} if state is None else state["services"]
    addresses = {
        "postgres": database.database_address,
        "postgrest": database.rest_url,
        "gateway": database.url,
    }
    version = background.deployed_sql_version(database)
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "services": {
                        name: {**services[name], "address": address}
                        for name, address in addresses.items()
                    },
                    "sql_version": int(version) if version.isdecimal() else None,
                    "data": str(data.path),
                    "logs": str(data.logs),
                },
                indent=2,
            )
        )
        return
    table = Table()
    for heading in ("Service", "State", "Address", "Process", "Restarts"):
        table.add_column(heading, no_wrap=True)
    for name, address in addresses.items():
        service = services[name]
        table.add_row(
            name,
            service["state"],
            address,
            "-" if service["pid"] is None else str(service["pid"]),
            _restarts(service),
        )
    out.print(table)
    typer.echo(f"SQL version: {version}")
    typer.echo(f"Data: {data.path}")
    typer.echo(f"Logs: {data.logs}")


@local_commands.command()
def stop(
    data_dir: DataDirectoryOption = remedies.DEFAULT_DATA_DIRECTORY,
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Delete the stack's database and keys, too.")
    ] = False,
) -> None:
    """End the stack; its data stays unless told otherwise."""
    data = DataDirectory(data_dir)
    if not data.exists():
        raise LocalStackError(
            f"There is no local stack in {data.path}; name its folder with --data-dir."
        )
    if is_running(data.path):
        with err.status("Stopping the local stack ..."):
            background.stop(data)
        typer.echo("The local stack has stopped.")
    else:
        typer.echo("The local stack was not running.")
    if delete_data:
        data.delete()
        typer.echo(f"Its data in {data.path} is deleted.")


def _print_connection(database: StackDatabase) -> None:
    # Plain lines: a table would break the keys, which are there to be copied.
    for label, value in (
        ("API URL", database.url),
        ("Service role key", database.service_role_key),
        ("Anonymous key", database.anon_key),
        ("Secret key", database.secret_key),
        ("Publishable key", database.publishable_key),
        ("Database URL", database.database_url),
    ):
        typer.echo(f"  {label:<18}{value}")


def _restarts(service: dict[str, Any]) -> str:
    if service["last_exit"] is None:
        return "none"
    return f"{service['restarts']} (exit {service['last_exit']})"
