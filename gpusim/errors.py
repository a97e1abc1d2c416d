"""The one kind of failure that a user of gpusim is told about."""


class GpusimError(Exception):
    """What went wrong and, where it helps, what to type next. Exit code 1."""


class UsageError(GpusimError):
    """Arguments that cannot be meant. Exit code 2."""
