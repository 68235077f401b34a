"""A document of any size is kept whole or refused clearly, and the next request works."""

from __future__ import annotations

from typing import Any, cast

import pytest
from parlant.core.persistence.document_database import BaseDocument, DocumentCollection
from parlant_supabase import (
    IndexedValueTooLongError,
    SupabaseDocumentDatabase,
    UnexpectedReplyError,
    UnstorableValueError,
)

Documents = DocumentCollection[BaseDocument]

MEGABYTE = 1_000_000

# What documents.py refuses beyond, the document itself counted.
DEEPEST = 500


def document(**fields: object) -> BaseDocument:
    return cast("BaseDocument", {"id": "a", "creation_utc": "2026", "version": "1.0.0", **fields})


async def test_that_a_document_of_50_megabytes_is_kept_whole(
    documents_without_limit: Documents,
) -> None:
    documents = documents_without_limit
    large = document(text="0123456789" * (5 * MEGABYTE))
    await documents.insert_one(large)
    assert await documents.find_one({}) == large

    await documents.delete_one({})
    await documents.insert_one(document())
    assert (await documents.find({})).items == [document()]


async def test_that_a_document_that_the_gateway_does_not_let_in_is_refused(
    documents: Documents,
) -> None:
    with pytest.raises(UnexpectedReplyError, match="Store smaller documents"):
        await documents.insert_one(document(text="0" * (110 * MEGABYTE)))

    assert (await documents.find({})).items == []


@pytest.mark.parametrize("field", ["id", "creation_utc", "version"])
async def test_that_a_text_too_long_for_an_index_is_refused(
    documents: Documents, field: str
) -> None:
    # Not to be compressed below the limit.
    text = "".join(chr(0x4E00 + number) for number in range(5000))

    with pytest.raises(IndexedValueTooLongError, match="under 2,000 bytes"):
        await documents.insert_one(document(**{field: text}))

    assert (await documents.find({})).items == []


@pytest.mark.parametrize("leaf", ["x", 1e300])
async def test_that_a_document_is_kept_up_to_a_depth_and_refused_beyond(
    documents: Documents, database: SupabaseDocumentDatabase, leaf: object
) -> None:
    def nested(levels: int) -> Any:
        value = leaf
        for level in range(levels):
            value = [value] if level % 2 else {"": value}
        return value

    deepest = document(value=nested(DEEPEST - 1))
    await documents.insert_one(deepest)
    await documents.update_one({"id": {"$eq": "a"}}, cast("BaseDocument", {"n": 1}))
    assert await documents.find_one({}) == document(value=nested(DEEPEST - 1), n=1)

    with pytest.raises(UnstorableValueError, match="nested deeper than 500 levels"):
        await documents.update_one({}, document(value=nested(DEEPEST)))

    async def load(old: BaseDocument) -> BaseDocument:
        return cast("BaseDocument", {**old, "version": "2.0.0"})

    opened = await database.get_collection("documents", BaseDocument, load)
    assert await opened.find_one({}) == document(value=nested(DEEPEST - 1), n=1, version="2.0.0")
