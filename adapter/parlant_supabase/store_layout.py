"""Parlant's three persistable stores: their collections and their default table prefixes.

The SQL function `parlant_internal.store_collections()` holds the same.
"""

from __future__ import annotations

from dataclasses import dataclass

METADATA = "metadata"
"""The collection in which every store keeps its version."""

DEFAULT_PREFIX = "parlant_"
"""What the default table prefixes begin with."""


@dataclass(frozen=True)
class StoreLayout:
    """Where one of the stores keeps its documents.

    Attributes:
        name: The store's name in Parlant's own files and databases, which ends its table prefix.
        collections: The names of its collections, without `metadata`.
    """

    name: str
    collections: tuple[str, ...]

    @property
    def table_prefix(self) -> str:
        """The store's default table prefix."""
        return self.prefix_under(DEFAULT_PREFIX)

    def prefix_under(self, prefix: str) -> str:
        """The store's table prefix where those of all stores begin with another prefix."""
        return f"{prefix}{self.name}_"


SESSIONS = StoreLayout("sessions", ("sessions", "events"))
CUSTOMERS = StoreLayout("customers", ("customers", "customer_tag_associations"))
CONTEXT_VARIABLES = StoreLayout(
    "context_variables", ("variables", "variable_tag_associations", "values")
)

STORES = (SESSIONS, CUSTOMERS, CONTEXT_VARIABLES)


CACHED_VALUES = ("cached_evaluations", "cached_embeddings")
"""The collections of an agent's cache that hold values. The SQL function
`parlant_internal.cache_collections()` holds the same."""

CACHE_STATISTICS = "cache_statistics"
"""The collection that counts the hits and misses of a cache."""


def cache_prefix(session_prefix: str) -> str:
    """The table prefix of an agent's cache, from that of its session store."""
    return session_prefix.removesuffix(f"{SESSIONS.name}_") or session_prefix


@dataclass(frozen=True)
class StorePrefixes:
    """The table prefixes of the three stores of one agent."""

    sessions: str = SESSIONS.table_prefix
    customers: str = CUSTOMERS.table_prefix
    context_variables: str = CONTEXT_VARIABLES.table_prefix
