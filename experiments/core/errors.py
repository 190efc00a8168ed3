"""Every error that a user can cause, each saying what was received, what is allowed, what to do."""

from collections.abc import Iterable
from difflib import get_close_matches


class ExperimentsError(Exception):
    """Base of all errors that are shown to the user as one message, without a traceback."""


class SpecError(ExperimentsError):
    """A RunSpec, or a part of one, that is refused."""


class DatasetError(ExperimentsError):
    """Data that is unknown, cannot be brought here, or does not fit what was asked of it."""


class HistoryError(ExperimentsError):
    """Something that is no history of epochs."""


class RunNotFoundError(ExperimentsError):
    """A run that the store does not have."""


class ArtifactError(ExperimentsError):
    """A file that a run does not have, or that cannot be read."""


class ModelFileError(ExperimentsError):
    """A model file that is refused, or that is not what was asked for."""


class InputError(ExperimentsError):
    """Input to a model or a command that cannot be used."""


class FilterError(ExperimentsError):
    """A filter of runs, or a column of a comparison, that cannot be understood."""


class StoreError(ExperimentsError):
    """The MLflow store cannot be reached or refuses."""


class StoreRefusedError(StoreError):
    """The MLflow store answers and refuses what it was given; asking again does not help."""


class WorkerError(ExperimentsError):
    """A process that should train or answer could not be started, or died."""


def unknown(what: str, received: object, allowed: Iterable[str]) -> str:
    """The message for a name that is not in a list, with the nearest one as a suggestion."""
    names = list(allowed)
    near = get_close_matches(str(received), names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"Unknown {what} {received!r}.{hint} Choose one of: {', '.join(names)}."
