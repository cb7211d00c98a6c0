"""The errors a user can mend: their message names the file, key or row and what to do."""


class HybridBatchError(Exception):
    """Base of all errors that are reported without a traceback."""


class ConfigError(HybridBatchError):
    """The configuration is wrong; the message names the key."""


class DataError(HybridBatchError):
    """An input file is wrong; the message names the file and the row or id."""


class DamagedError(DataError):
    """A published file is not what its job wrote; the message names the command that mends it."""


class SourceError(HybridBatchError):
    """A pinned file cannot be had, or is not the one that was pinned."""


class TranslationError(HybridBatchError):
    """A translation engine or one of its modes is missing or unusable."""


class TrainingError(HybridBatchError):
    """Training cannot go on; the message names the step."""
