"""Documents of one's own in a `DocumentDatabase`."""

import asyncio
from typing import cast

from parlant.core.common import Version
from parlant.core.loggers import LogLevel, TracingLogger
from parlant.core.meter import LocalMeter
from parlant.core.persistence.common import ObjectId
from parlant.core.persistence.document_database import BaseDocument, DocumentDatabase
from parlant.core.tracer import LocalTracer
from parlant_supabase import (
    DuplicateDocumentError,
    SupabaseDocumentCollection,
    SupabaseDocumentDatabase,
)


class Note(BaseDocument):
    text: str


async def load(document: BaseDocument) -> Note | None:
    return cast(Note, document)


async def write(notes: SupabaseDocumentCollection[Note]) -> str | None:
    note = Note(
        id=ObjectId("a"),
        creation_utc="2026-03-01T12:00:00+00:00",
        version=Version.String("1.0.0"),
        text="Hello",
    )
    try:
        await notes.insert_one(note)
    except DuplicateDocumentError as error:
        return error.code
    return None


async def main() -> None:
    tracer = LocalTracer()
    logger = TracingLogger(tracer, LogLevel.INFO)
    async with SupabaseDocumentDatabase(
        logger,
        {"url": "http://127.0.0.1:54321", "key": "sb_secret_"},
        table_prefix="notes_",
        tracer=tracer,
        meter=LocalMeter(logger),
    ) as database:
        anybodys: DocumentDatabase = database
        await write(await database.get_or_create_collection("notes", Note, load))
        found = await (await anybodys.get_collection("notes", Note, load)).find(
            {"text": {"$eq": "Hello"}}, limit=20
        )
        texts: list[str] = [document["text"] for document in found.items]
        print(texts, found.next_cursor)


if __name__ == "__main__":
    asyncio.run(main())
