"""The one exception that the local stack raises for anything its user can act on."""


class LocalStackError(Exception):
    """Says in one sentence what the local stack lacks or what failed, and the remedy."""
