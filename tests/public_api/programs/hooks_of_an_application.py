"""Hooks of an application's own, and parts that are switched off."""

import functools

import parlant.sdk as p
from parlant_supabase.stores import SupabaseStores, warm_start


async def initialize_container(container: p.Container) -> None:
    """What the application does when a server's container is complete."""
    await warm_start(container, embeddings=False, changed_journeys=False, keep_days=30)


def with_a_hook(stores: SupabaseStores) -> p.Server:
    """A server that runs the application's hook."""
    return p.Server(**stores, initialize_container=initialize_container)


def without_evaluations(stores: SupabaseStores) -> p.Server:
    """A server without one of the parts."""
    return p.Server(**stores, initialize_container=functools.partial(warm_start, evaluations=False))
