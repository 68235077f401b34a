"""Options that say which stores a command works on."""

from typing import Annotated

import typer

from parlant_supabase.store_layout import CONTEXT_VARIABLES, CUSTOMERS, SESSIONS, StorePrefixes

SessionPrefix = Annotated[str, typer.Option(help="Table prefix of the session store.")]
CustomerPrefix = Annotated[str, typer.Option(help="Table prefix of the customer store.")]
VariablePrefix = Annotated[str, typer.Option(help="Table prefix of the context variable store.")]

DEFAULT_SESSION_PREFIX = SESSIONS.table_prefix
DEFAULT_CUSTOMER_PREFIX = CUSTOMERS.table_prefix
DEFAULT_VARIABLE_PREFIX = CONTEXT_VARIABLES.table_prefix

JSONOption = Annotated[bool, typer.Option("--json", help="Print the outcome as one JSON object.")]

__all__ = [
    "DEFAULT_CUSTOMER_PREFIX",
    "DEFAULT_SESSION_PREFIX",
    "DEFAULT_VARIABLE_PREFIX",
    "CustomerPrefix",
    "JSONOption",
    "SessionPrefix",
    "StorePrefixes",
    "VariablePrefix",
]
