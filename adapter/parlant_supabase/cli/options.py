"""Options that several commands share."""

from typing import Annotated

import typer

from parlant_supabase.store_layout import CONTEXT_VARIABLES, CUSTOMERS, SESSIONS

SessionPrefix = Annotated[str, typer.Option(help="Table prefix of the session store.")]
CustomerPrefix = Annotated[str, typer.Option(help="Table prefix of the customer store.")]
VariablePrefix = Annotated[str, typer.Option(help="Table prefix of the context variable store.")]

DEFAULT_SESSION_PREFIX = SESSIONS.table_prefix
DEFAULT_CUSTOMER_PREFIX = CUSTOMERS.table_prefix
DEFAULT_VARIABLE_PREFIX = CONTEXT_VARIABLES.table_prefix

BeginningOfPrefixes = Annotated[
    str,
    typer.Option(
        "--prefix",
        show_default="every prefix",
        help="Only stores whose table prefix begins with this.",
    ),
]
JSONOutcome = Annotated[bool, typer.Option("--json", help="Print the outcome as one JSON object.")]
