"""Opens a store of old documents and says how much memory that took at most, as JSON.

Run by test_memory.py as a process of its own: url, key and table prefix are its arguments.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tracemalloc
from typing import Any, cast

from parlant.core.common import Version
from parlant.core.loggers import LogLevel, TracingLogger
from parlant.core.persistence.document_database import BaseDocument
from parlant.core.tracer import LocalTracer
from parlant_supabase import SupabaseDocumentDatabase

NAME = "documents"


class Store:
    VERSION = Version.from_string("2.0.0")

    def __init__(self) -> None:
        self.loaded = 0

    async def load(self, document: BaseDocument) -> BaseDocument:
        self.loaded += 1
        return cast("BaseDocument", {**cast("dict[str, Any]", document), "version": "2.0.0"})


async def main(url: str, key: str, prefix: str) -> None:
    logger = TracingLogger(LocalTracer(), LogLevel.ERROR, logger_id="memory")
    store = Store()
    async with SupabaseDocumentDatabase(
        logger, {"url": url, "key": key}, table_prefix=prefix
    ) as database:
        # One request before, so that what is made once is not counted.
        await database.get_or_create_collection("others", BaseDocument, store.load)
        tracemalloc.start()
        await database.get_collection(NAME, BaseDocument, store.load)
        _, peak = tracemalloc.get_traced_memory()
    print(json.dumps({"loaded": store.loaded, "peak_bytes": peak}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
