"""The stores of parlant_supabase: every method is a request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from parlant_supabase.stores import supabase_stores

from benchmarks.contenders.contender import Contender, Stores, logger
from benchmarks.stack import Place


@asynccontextmanager
async def open_stores(place: Place) -> AsyncIterator[Stores]:
    """The stores."""
    async with supabase_stores(
        {"url": place.url, "key": place.key},
        session_prefix=f"{place.prefix}sessions_",
        customer_prefix=f"{place.prefix}customers_",
        variable_prefix=f"{place.prefix}context_variables_",
        logger=logger(),
    ) as stores:
        yield Stores(stores["session_store"], stores["customer_store"], stores["variable_store"])


ONE_REQUEST_STORES = Contender("one-request stores", open_stores)
JOINED_SERVER = Contender("joined server", open_stores, joins_server=True)
