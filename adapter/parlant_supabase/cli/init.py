"""`parlant-supabase init`: the package's migrations in the user's own Supabase project."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from parlant_supabase import remedies
from parlant_supabase.cli.display import err, out, plain
from parlant_supabase.cli.errors import CommandError
from parlant_supabase.deployment.migrations import DEFAULT_SCHEMA
from parlant_supabase.deployment.user_project import (
    AddedMigrations,
    add_migrations,
    wanted_migrations,
)
from parlant_supabase.versions import __version__


def init(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR",
            show_default="the current folder",
            help="Folder that contains, or is to contain, `supabase/`.",
        ),
    ] = None,
    schema: Annotated[
        str | None,
        typer.Option(
            show_default="that of the project, else public",
            help="Schema to install in; set SUPABASE_SCHEMA to it, too.",
        ),
    ] = None,
    prefix: Annotated[
        list[str] | None,
        typer.Option(
            help="Make the stores' tables under this prefix now, and not on first use: acme_ gives "
            "acme_sessions_, acme_customers_ and acme_context_variables_, and views for people "
            "such as acme_messages. Give it more than once for several."
        ),
    ] = None,
    print_script: Annotated[
        bool,
        typer.Option(
            "--print", help="Print one script for the dashboard's SQL editor; write no file."
        ),
    ] = False,
) -> None:
    """Put the migrations into your Supabase project, or after an upgrade what is new of them."""
    prefixes = prefix or []
    if print_script:
        if folder is not None:
            raise CommandError("--print writes no file, so leave out the folder.")
        _print_script(schema or DEFAULT_SCHEMA, prefixes)
        return
    target = folder or Path()
    _show(target, add_migrations(target, schema, prefixes))


def _print_script(schema: str, prefixes: list[str]) -> None:
    migrations = wanted_migrations(schema, prefixes)
    typer.echo(
        f"-- parlant-supabase {__version__}, for the SQL editor. It may be run again at any time.\n"
        "begin;\n\n" + "\n".join(migration.text for migration in migrations) + "\ncommit;"
    )


def _show(folder: Path, result: AddedMigrations) -> None:
    for file in result.edited:
        err.print("[bold yellow]Warning:[/] ", end="")
        err.print(
            plain(f"{file} differs from the migration of parlant-supabase and was left as it is."),
            soft_wrap=True,
        )
    if result.made_configuration:
        configuration = folder / "supabase" / "config.toml"
        out.print(
            plain(f"Wrote {configuration}, which makes the folder a Supabase project."),
            soft_wrap=True,
        )
    if result.added:
        out.print(plain(f"Added to {folder / 'supabase' / 'migrations'}:"), soft_wrap=True)
        for file in result.added:
            out.print(plain(f"  {file.name}"), soft_wrap=True)
    else:
        out.print("Nothing to add: the project has every migration.")

    out.print("Next:")
    if folder.resolve() != Path.cwd():
        out.print(plain(f"  cd {shlex.quote(str(folder))}"), soft_wrap=True)
    if not (folder / "supabase" / ".temp" / "project-ref").exists():
        out.print("  npx supabase link --project-ref your-project-ref")
    out.print(f"  {remedies.PUSH}")
    for schema in result.schemas:
        if schema != DEFAULT_SCHEMA:
            out.print(
                plain(
                    f"  Expose the schema {schema} (dashboard: Settings, API, Exposed schemas) and "
                    f"set SUPABASE_SCHEMA={schema}."
                ),
                soft_wrap=True,
            )
    out.print("  parlant-supabase doctor")
