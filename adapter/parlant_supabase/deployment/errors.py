"""The error of `deployment`."""


class DeploymentError(Exception):
    """The migrations cannot be rendered or copied; the message is one sentence that says why."""
