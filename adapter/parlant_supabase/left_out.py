"""Names documents that are left out of lists in the log, once each."""

from __future__ import annotations

from parlant_supabase.rpc.telemetry import Observer

# Beyond that the log would say nothing new, and further on the names would fill the memory.
_MOST_NAMED = 1000
_MOST_REMEMBERED = 100_000


class LeftOutDocuments:
    """The documents of one store that cannot be read.

    Args:
        observer: Has the logger.
    """

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._tables: dict[str, str] = {}
        self._named: set[tuple[str, str]] = set()

    def opened(self, collection: str, table: str) -> None:
        """Remembers a collection's table."""
        self._tables[collection] = table

    def name(self, collection: str, id: object, why: str) -> bool:
        """Says in the log that a document is left out, unless the log has it already.

        Args:
            collection: The document's collection.
            id: Its id.
            why: A clause without content of the document, such as "it lacks trace_id".

        Returns:
            Whether it is left out for the first time.
        """
        table = self._tables.get(collection, collection)
        key = (table, str(id))
        if key in self._named or len(self._named) >= _MOST_REMEMBERED:
            return False
        self._named.add(key)
        if len(self._named) <= _MOST_NAMED:
            self._observer.logger.warning(
                f"Table {table}: document {str(id)!r} cannot be read and is left out: {why}. "
                "Correct the row or delete it."
            )
        elif len(self._named) == _MOST_NAMED + 1:
            self._observer.logger.warning(
                f"More than {_MOST_NAMED:,} documents cannot be read and are left out. The others "
                "are not named here; `parlant-supabase failed list` has them."
            )
        return True


def why(error: BaseException) -> str:
    """What an error says about a document, without what is in it."""
    if isinstance(error, KeyError) and len(error.args) == 1:
        return f"KeyError: {error}"
    return type(error).__name__
