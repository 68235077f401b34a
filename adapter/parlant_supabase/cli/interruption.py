"""The exit code of an interrupted command."""

INTERRUPTED = 130
"""Exit code of a process that was ended by Ctrl-C, as shells define it."""
