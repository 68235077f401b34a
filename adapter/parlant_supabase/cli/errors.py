"""The error for what the user of the command line can put right."""


class CommandError(Exception):
    """A command cannot do what it was asked to; the message is one sentence that says why."""
