"""What the subjects measure in: a stack, how much to measure, and tables that they share."""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg

from benchmarks.dataset import Dataset
from benchmarks.scale import Scale
from benchmarks.stack import Environment


@dataclass
class Setting:
    """A running stack, a connection to its database as superuser, and the counts."""

    environment: Environment
    connection: psycopg.Connection
    scale: Scale
    _growing: list[Dataset] = field(default_factory=list)

    def dataset(self, prefix: str, events: int, customers: int = 0, **options: int) -> Dataset:
        """Documents under a prefix, which are not there before they are filled in."""
        return Dataset(self.connection, self.environment, prefix, events, customers, **options)

    async def growing(self) -> list[Dataset]:
        """The same stores with ever more events, filled when they are asked for first."""
        if not self._growing:
            for events in self.scale.growth:
                dataset = self.dataset(f"grown_{events}_", events, customers=10)
                await dataset.fill()
                self._growing.append(dataset)
        return self._growing
