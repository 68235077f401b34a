"""Which commands there are, and where; a command is imported when it is called.

So `parlant-supabase local start` does not wait until the Supabase client is imported, nor any
command until the ones beside it are.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

_COMMANDS = {
    "init": "init:init",
    "doctor": "doctor:doctor",
    "import": "import_:import_command",
    "export": "export:export_command",
    "expire": "expire:expire",
    "sessions": "sessions:session_commands",
    "erase": "erase:erase_commands",
    "anonymize": "erase:anonymize_commands",
    "failed": "failed:failed_commands",
    "local": "local:local_commands",
}
"""The module and the name in it, by command, in the order in which `--help` lists them."""


class Commands(TyperGroup):
    """The commands of `parlant-supabase`."""

    # Some versions of typer take Click's types, others a copy of their own.
    def list_commands(self, ctx: Any) -> list[str]:
        """The names of the commands."""
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Imports a command; None if there is none of this name."""
        place = _COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        found = getattr(import_module(f"parlant_supabase.cli.{module}"), name)
        if isinstance(found, typer.Typer):
            group = typer.main.get_group(found)
            group.name = cmd_name
            return group
        single = typer.Typer(add_completion=False)
        single.command(cmd_name)(found)
        return typer.main.get_command(single)
