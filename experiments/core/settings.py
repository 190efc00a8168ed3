"""Where things are: the workspace folder, the MLflow store and the MLflow UI."""

import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

#: The folder that holds the packages: the clone, or site-packages where Kerascope is installed.
ROOT = Path(__file__).resolve().parents[2]
_IS_CLONE = (ROOT / "pyproject.toml").is_file()


@dataclass(frozen=True)
class Settings:
    """One answer to "where": read once from the environment and handed down.

    ``home`` holds what this machine keeps (embedded store, artifacts, run folders in progress);
    ``tracking_uri`` is MLflow's; ``ui_url`` is where the MLflow UI over the same store answers;
    ``embedded_worker`` is whether the dashboard starts a worker where none lives.
    ``data_folder`` is the folder of this machine from which the Data page may read.
    """

    home: Path
    tracking_uri: str
    ui_url: str
    embedded_worker: bool = True
    data_folder: Path | None = None

    @property
    def worker_lock(self) -> Path:
        """Held by the one worker of this machine that serves the store."""
        database = self.database
        return Path(f"{database}.worker.lock") if database else self.home / "worker.lock"

    @property
    def worker_note(self) -> Path:
        """Who holds that lock."""
        return self.worker_lock.with_suffix(".json")

    @property
    def wake_file(self) -> Path:
        """Touched when a run is submitted, so that a worker on this machine need not wait."""
        return self.home / "wake"

    @property
    def database(self) -> Path | None:
        """The SQLite file of the store, or None where the store is a server or another database."""
        parts = urlsplit(self.tracking_uri)
        if parts.scheme != "sqlite":
            return None
        # sqlite:////abs/path on POSIX, sqlite:///C:/path on Windows, sqlite:///rel/path
        return Path(unquote(parts.path)[1:])

    @property
    def readable_folder(self) -> Path | None:
        """The folder that the Data page may read on this machine: the whole disk with an embedded
        worker, nothing (None) with an external one unless KERASCOPE_DATA is set."""
        if self.data_folder or not self.embedded_worker:
            return self.data_folder
        return Path(self.home.anchor)

    @property
    def is_server(self) -> bool:
        """Whether the store is reached over HTTP."""
        return self.tracking_uri.startswith(("http://", "https://"))

    @property
    def artifact_root(self) -> Path:
        """Where the embedded store keeps its artifacts."""
        return self.home / "artifacts"

    @property
    def datasets(self) -> Path:
        """Copies of stored datasets, in folders named by their content."""
        return self.home / "datasets"

    @property
    def features(self) -> Path:
        """What frozen bases say of samples."""
        return self.home / "features"

    @property
    def downloads(self) -> Path:
        """Copies of artifacts, kept for a day."""
        return self.home / "downloads"

    @property
    def bases(self) -> Path:
        """Copies of the model files that runs build on."""
        return self.home / "cache" / "bases"

    @property
    def application_times(self) -> Path:
        """A file: how long networks took on this machine."""
        return self.home / "cache" / "application_times.json"

    @property
    def histories(self) -> Path:
        """Histories of runs that have ended, as the store told them."""
        return self.home / "cache" / "histories" / self._store_name

    @property
    def run_folders(self) -> Path:
        """Where runs in progress write before it is all in MLflow; empty when nothing runs.

        Each store has its own, so that a worker never takes another store's run for a lost one.
        """
        return self.home / "runs" / self._store_name

    @property
    def _store_name(self) -> str:
        return hashlib.sha256(self.tracking_uri.encode()).hexdigest()[:8]

    def environment(self) -> dict[str, str]:
        """The environment for a child process that must see the same workspace and store."""
        # where Kerascope is installed, Python finds the packages by itself
        places = [str(ROOT)] if _IS_CLONE else []
        path = os.pathsep.join(filter(None, [*places, os.environ.get("PYTHONPATH")]))
        return os.environ | {
            "KERASCOPE_HOME": str(self.home),
            "MLFLOW_TRACKING_URI": self.tracking_uri,
            "KERAS_BACKEND": "tensorflow",
            "TF_CPP_MIN_LOG_LEVEL": "2",
            "PYTHONPATH": path,
            "PYTHONUNBUFFERED": "1",
        }


def read_settings() -> Settings:
    """Settings from ``KERASCOPE_HOME`` (by default ``workspace/`` in a clone, and ``~/.kerascope``
    where Kerascope is installed: the same from any folder), ``MLFLOW_TRACKING_URI``,
    ``MLFLOW_PORT``, ``KERASCOPE_MLFLOW_UI`` (the address a browser uses, where it differs from the
    server's), ``KERASCOPE_WORKER`` (``external`` where workers run elsewhere) and
    ``KERASCOPE_DATA`` (a folder of this machine from which the page may read)."""
    usual = ROOT / "workspace" if _IS_CLONE else Path("~/.kerascope")
    home = Path(os.environ.get("KERASCOPE_HOME") or usual).expanduser().resolve()
    uri = os.environ.get("MLFLOW_TRACKING_URI") or sqlite_uri(home / "mlflow.db")
    served = uri if uri.startswith(("http://", "https://")) else None
    port = os.environ.get("MLFLOW_PORT", "5000")
    ui_url = os.environ.get("KERASCOPE_MLFLOW_UI") or served or f"http://127.0.0.1:{port}"
    embedded = os.environ.get("KERASCOPE_WORKER", "embedded") != "external"
    data = os.environ.get("KERASCOPE_DATA")
    folder = Path(data).expanduser().resolve() if data else None
    return Settings(home, uri, ui_url.rstrip("/"), embedded, folder)


_in_use: Settings | None = None


def use_settings(settings: Settings) -> Settings:
    """Have this process look in that workspace for what a spec only names: stored datasets and
    saved bases. Each entry point says so once, with the settings that it hands down."""
    global _in_use
    _in_use = settings
    return settings


def settings_in_use() -> Settings:
    """The settings that this process uses; where none were named, those of the environment, read
    once. What has settings or a store at hand asks those."""
    return _in_use or use_settings(read_settings())


def sqlite_uri(database: Path) -> str:
    """SQLAlchemy's address of a SQLite file, absolute on every platform.

    ``timeout`` is how many seconds a writer waits for another one (SQLite's busy timeout).
    """
    return f"sqlite:///{database.as_posix()}?timeout=60"


def python_command(module: str, *arguments: str) -> list[str]:
    """The command line that runs a module with this Python, from any folder: ``-P`` keeps it from
    taking a user's folder called ``experiments``, or a script called ``keras.py``, for ours. The
    modules of a clone are found by ``Settings.environment``."""
    return [sys.executable, "-P", "-m", module, *arguments]
