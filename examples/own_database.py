"""Documents of your own in your Supabase project: feedback that customers gave on an agent.

Set SUPABASE_URL and SUPABASE_KEY and run `python own_database.py`, as often as you like. The
documents are in the table `feedback_entries`.
"""

import asyncio
from datetime import datetime, timezone
from typing import cast

from parlant.core.common import Version, generate_id
from parlant.core.loggers import LogLevel, TracingLogger
from parlant.core.persistence.common import ObjectId, SortDirection
from parlant.core.persistence.document_database import (
    BaseDocument,
    CollectionIndex,
    identity_loader_for,
)
from parlant.core.tracer import LocalTracer
from parlant_supabase import SupabaseDocumentDatabase


class Entry(BaseDocument):
    """One customer's feedback; every document also has an id, a time and a version."""

    customer: str
    stars: int


async def main() -> None:
    """Store an entry, change it, and read the newest bad ones."""
    logger = TracingLogger(LocalTracer(), LogLevel.INFO)
    async with SupabaseDocumentDatabase(logger, table_prefix="feedback_") as database:
        # Makes the table on first use.
        entries = await database.get_or_create_collection(
            "entries", Entry, identity_loader_for(Entry)
        )
        await entries.ensure_indexes([CollectionIndex(fields=(("stars", SortDirection.ASC),))])

        entry = Entry(
            id=ObjectId(generate_id()),
            creation_utc=datetime.now(timezone.utc).isoformat(),
            version=Version.String("1.0.0"),
            customer="Ann",
            stars=3,
        )
        await entries.insert_one(entry)
        # Only the fields that are given change, in one statement in the database.
        await entries.update_one({"id": {"$eq": entry["id"]}}, cast("Entry", {"stars": 2}))

        page = await entries.find(
            {"stars": {"$lt": 3}}, limit=10, sort_direction=SortDirection.DESC
        )
        for found in page:
            print(f"{found['creation_utc']} {found['customer']}: {found['stars']} stars")


asyncio.run(main())
