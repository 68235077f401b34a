"""A Parlant document collection whose every method is one call of one SQL function."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Generic, cast, get_type_hints

from parlant.core.persistence.common import Cursor, SortDirection, Where
from parlant.core.persistence.document_database import (
    CollectionIndex,
    CollectionSort,
    DeleteResult,
    DocumentCollection,
    FindResult,
    InsertResult,
    TDocument,
    UpdateResult,
)
from typing_extensions import override

from parlant_supabase.errors import IncompleteDocumentError
from parlant_supabase.rpc.client import RpcClient
from parlant_supabase.rpc.encoding import require_document
from parlant_supabase.rpc.functions import (
    DELETE_ONE,
    ENSURE_INDEXES,
    FIND,
    FIND_ONE,
    INSERT_ONE,
    UPDATE_ONE,
    Function,
    Reply,
)
from parlant_supabase.rpc.pagination import direction_name, next_cursor, page_arguments


class SupabaseDocumentCollection(DocumentCollection[TDocument], Generic[TDocument]):
    """Documents in one table of a Supabase project.

    Obtained from a `SupabaseDocumentDatabase`. Every method raises `SupabaseAdapterError`; what is
    named under `Raises` is particular to the method.
    """

    def __init__(self, rpc: RpcClient, prefix: str, name: str, schema: type[TDocument]) -> None:
        self._rpc = rpc
        self._prefix = prefix
        self._name = name
        self._schema = schema

    @override
    async def find(
        self,
        filters: Where,
        limit: int | None = None,
        cursor: Cursor | None = None,
        sort_direction: SortDirection | None = None,
    ) -> FindResult[TDocument]:
        """The documents that match, ordered by (creation_utc, id).

        Args:
            filters: A Parlant filter; `{}` matches every document.
            limit: The most documents to return; None for all, 0 for an empty page.
            cursor: Only documents strictly after it, in the direction of the sort, are returned.
            sort_direction: Ascending if None.

        Returns:
            The page. `total_count` counts the matches after the cursor, before the limit;
            with a limit it stops at 10,000 more than that.

        Raises:
            InvalidFilterError: The filter is malformed.
            InvalidArgumentError: The limit is negative.
        """
        reply = await self._call(
            FIND,
            p_filters=filters,
            **page_arguments(limit, cursor, sort_direction),
        )
        return FindResult(
            items=reply["items"],
            total_count=reply["total_count"],
            has_more=reply["has_more"],
            next_cursor=next_cursor(reply),
        )

    @override
    async def find_one(
        self, filters: Where, sort: CollectionSort | None = None
    ) -> TDocument | None:
        """The first document that matches: in the order of the sort, else of insertion.

        Raises:
            InvalidFilterError: The filter is malformed.
            InvalidArgumentError: The sort is malformed.
        """
        reply = await self._call(
            FIND_ONE,
            p_filters=filters,
            p_sort=[[field, direction_name(direction)] for field, direction in sort or ()],
        )
        return cast("TDocument | None", reply["document"])

    @override
    async def ensure_indexes(self, indexes: Sequence[CollectionIndex]) -> None:
        """Makes those of the indexes that are missing; find and find_one use them.

        Raises:
            InvalidArgumentError: An index is malformed.
            DuplicateDocumentError: An index is unique and documents are not.
        """
        await self._call(
            ENSURE_INDEXES,
            p_indexes=[
                {
                    "fields": [
                        [field, direction_name(direction)] for field, direction in index.fields
                    ],
                    "unique": index.unique,
                }
                for index in indexes
            ],
        )

    @override
    async def insert_one(self, document: TDocument) -> InsertResult:
        """Inserts a document, or acknowledges that the same, but for creation_utc, is there.

        Raises:
            IncompleteDocumentError: The document lacks fields of the collection's schema.
            UnstorableValueError: The document holds what JSON cannot.
            DuplicateDocumentError: Another document has that id.
        """
        missing = [field for field in self._required_fields if field not in document]
        if missing:
            raise IncompleteDocumentError(
                f"{self._subject('insert_one')}: the document lacks the fields "
                f"{', '.join(missing)}. Add what {self._schema.__qualname__} requires."
            )
        reply = await self._call(INSERT_ONE, p_document=document)
        return InsertResult(acknowledged=reply["acknowledged"])

    @override
    async def update_one(
        self, filters: Where, params: TDocument, upsert: bool = False
    ) -> UpdateResult[TDocument]:
        """Merges top-level keys into the first document, in order of insertion, that matches.

        Args:
            filters: A Parlant filter.
            params: Keys and values to set; may hold another id.
            upsert: Whether to insert `params`, as they are, if no document matches.

        Returns:
            Counts of 1 and the document after the merge; counts of 0 and `params` if they were
            inserted; counts of 0 and None if nothing matched.

        Raises:
            InvalidFilterError: The filter is malformed.
            UnstorableValueError: The params hold what JSON cannot.
            DuplicateDocumentError: Another document has the id in `params`.
            IncompleteDocumentError: An upsert would insert params that lack fields of the schema.
        """
        require_document(params)
        reply = await self._call(
            UPDATE_ONE,
            p_filters=filters,
            p_params=params,
            p_upsert=upsert,
            p_required_fields=self._required_fields if upsert else [],
        )
        return UpdateResult(
            acknowledged=True,
            matched_count=reply["matched_count"],
            modified_count=reply["modified_count"],
            updated_document=reply["updated_document"],
        )

    @override
    async def delete_one(self, filters: Where) -> DeleteResult[TDocument]:
        """Deletes the first document, in order of insertion, that matches.

        Raises:
            InvalidFilterError: The filter is malformed.
        """
        reply = await self._call(DELETE_ONE, p_filters=filters)
        return DeleteResult(
            acknowledged=True,
            deleted_count=reply["deleted_count"],
            deleted_document=reply["deleted_document"],
        )

    @cached_property
    def _required_fields(self) -> list[str]:
        # Looking them up takes as long as all else that an insert does in this process.
        return list(get_type_hints(self._schema))

    async def _call(self, function: Function[Reply], **arguments: Any) -> Reply:
        return await self._rpc.call(
            function,
            {"p_prefix": self._prefix, "p_collection": self._name, **arguments},
            self._subject(function.operation),
        )

    def _subject(self, operation: str) -> str:
        return f"{operation} on collection {self._name!r} (prefix {self._prefix!r})"
