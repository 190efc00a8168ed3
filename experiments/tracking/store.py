"""Opening the MLflow store: the embedded SQLite file, or a server or database that is given."""

import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from filelock import FileLock

from experiments.core.atomic_files import replacing
from experiments.core.errors import RunNotFoundError, StoreError, StoreRefusedError
from experiments.core.settings import Settings, sqlite_uri
from experiments.tracking.mlflow_compat import make_tables

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

EXPERIMENT = "kerascope"
#: Holds the datasets that users brought.
DATASETS_EXPERIMENT = "kerascope data sets"
#: Holds the model files that users keep as bases.
MODELS_EXPERIMENT = "kerascope models"
#: Without it the MLflow UI opens the experiment as one about prompts and agents.
_EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}

P = ParamSpec("P")
T = TypeVar("T")

# MLflow's own defaults let a call to a server that is down block for minutes (measured: 247 s).
# And it reports its use to its makers, which also costs time on a machine without network.
_DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


#: Two threads that import mlflow at once find it half made; cached_property does not wait.
_opening = threading.Lock()


class Store:
    """The MLflow client of one store, with the experiment that holds our runs.

    Importing mlflow takes seconds, so it happens at first use. Safe to share between threads.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._client: MlflowClient | None = None

    @property
    def client(self) -> "MlflowClient":
        """MLflow's client; for an embedded store the database is made first."""
        if self._client is None:
            with _opening:
                self._client = self._client or self._open()
        return self._client

    @property
    def is_open(self) -> bool:
        """Whether mlflow is imported and the client is made."""
        return self._client is not None

    def _open(self) -> "MlflowClient":
        for name, value in _DEFAULTS.items():
            os.environ.setdefault(name, value)
        if self.settings.database:
            prepare_database(self.settings)
        from mlflow.tracking import MlflowClient

        with translate_store_errors(self.settings):
            return MlflowClient(tracking_uri=self.settings.tracking_uri)

    @cached_property
    def experiment_id(self) -> str:
        """The experiment that holds our runs, made at first use."""
        self.client  # noqa: B018 - imports mlflow, so that its errors can be caught
        with translate_store_errors(self.settings):
            return _find_or_make_experiment(self)


def prepare_database(settings: Settings) -> None:
    """Make and migrate the SQLite file if it is not there, once, whoever asks first; use WAL.

    With WAL a reader does not wait for a writer; MLflow leaves the default journal mode.
    Raises StoreError where the folder cannot be written.
    """
    database = settings.database
    if database is None or database.exists():
        return
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{database}.lock", timeout=120):
            if not database.exists():
                _migrate(database)
    except OSError as error:
        raise StoreError(
            f"The workspace {database.parent} cannot be written: {error}. Set KERASCOPE_HOME to "
            "a folder that can be written."
        ) from None


def _migrate(database: Path) -> None:
    with replacing(database) as unfinished:
        make_tables(sqlite_uri(unfinished))
        connection = sqlite3.connect(unfinished)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.close()


def make_experiment(store: Store, name: str, tags: dict[str, str] | None = None) -> str:
    """A new experiment; its artifacts lie in the workspace, or where a server keeps them."""
    settings = store.settings
    location = None if settings.is_server else settings.artifact_root.as_uri()
    return str(store.client.create_experiment(name, location, tags=tags))


def _find_or_make_experiment(store: Store) -> str:
    from mlflow.exceptions import MlflowException

    client = store.client
    found = client.get_experiment_by_name(EXPERIMENT)
    if found is None:
        try:
            return make_experiment(store, EXPERIMENT, _EXPERIMENT_TAGS)
        except MlflowException:  # another process made it in between
            found = client.get_experiment_by_name(EXPERIMENT)
            if found is None:
                raise
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return found.experiment_id


@contextmanager
def translate_store_errors(settings: Settings) -> Iterator[None]:
    """Turn what MLflow raises into RunNotFoundError or StoreError with what to do next."""
    import requests
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except MlflowException as error:
        no_id = error.error_code == "INVALID_PARAMETER_VALUE" and "run_id" in str(error)
        if error.error_code == "RESOURCE_DOES_NOT_EXIST" or no_id:
            raise RunNotFoundError(
                f"{error.message.rstrip('.')}. Choose one that is in the list of runs."
            ) from None
        refused = error.error_code in ("INVALID_PARAMETER_VALUE", "INVALID_STATE", "BAD_REQUEST")
        kind = StoreRefusedError if refused else StoreError
        raise kind(unreachable(settings, error)) from error
    except (requests.RequestException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise StoreError(unreachable(settings, error)) from error


def unreachable(settings: Settings, error: Exception) -> str:
    """The message for a store that does not answer, with what it said and what to do next."""
    said = " ".join(str(error).split())
    logging.getLogger(__name__).warning("The MLflow store failed: %s", said)
    if "Max retries exceeded" in said:  # urllib3's words for it run over several lines
        said = "nothing answers at that address"
    said = said[:300].rstrip(".")
    return (
        f"The MLflow store at {settings.tracking_uri} cannot be used: {said}. "
        "Check that it runs and that MLFLOW_TRACKING_URI names it, then reload."
    )


def store_call(function: Callable[P, T]) -> Callable[P, T]:
    """Decorator for functions whose first argument is the Store: errors are told plainly."""

    @wraps(function)
    def asked(*args: P.args, **kwargs: P.kwargs) -> T:
        store = args[0]
        assert isinstance(store, Store)
        store.client  # noqa: B018 - imports mlflow, so that its errors can be caught
        with translate_store_errors(store.settings):
            return function(*args, **kwargs)

    return asked
