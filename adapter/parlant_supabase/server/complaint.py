"""Tells of a failure that goes on once, however often it is met."""

from __future__ import annotations

from parlant.core.loggers import Logger


class Complaint:
    """A failure of something that is tried again and again.

    Args:
        logger: Hears of it.
        what: What fails, as the beginning of a sentence.
    """

    def __init__(self, logger: Logger, what: str) -> None:
        self._logger = logger
        self._what = what
        self._is_made = False

    def make(self, error: Exception) -> None:
        """Tells of a failure, unless that was done since it last went well."""
        if not self._is_made:
            self._is_made = True
            self._logger.warning(f"{self._what}: {error}")

    def settle(self) -> None:
        """Takes note that it went well."""
        self._is_made = False
