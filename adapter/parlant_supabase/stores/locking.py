"""Where the locks of the stores are."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext

from parlant.core.async_utils import ReaderWriterLock
from typing_extensions import override


class DatabaseLock(ReaderWriterLock):
    """The lock of a store whose every operation is one transaction: the database's own.

    A lock in this process would keep nobody else's out, and would make callers wait for each
    other's requests.
    """

    @property
    @override
    def reader_lock(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    @property
    @override
    def writer_lock(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()
