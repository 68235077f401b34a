"""The errors of `transfer`."""


class TransferError(Exception):
    """An export or import cannot go on; the message is one sentence that says why."""


class SourceError(TransferError):
    """A source cannot be read, or not to its end."""
