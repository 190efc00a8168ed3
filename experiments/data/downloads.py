"""keras.datasets: where Keras keeps them, bringing them here, and saying why that failed."""

import gzip
import hashlib
import os
import socket
import tempfile
import threading
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from experiments.core.errors import DatasetError
from experiments.data.catalog import CATALOG, DatasetInfo, Source
from experiments.data.stored import SAMPLES_FILE, folder_of

#: Seconds without an answer, or without a further byte, after which a download has failed.
PATIENCE = 20.0


def keras_cache() -> Path:
    """The folder where Keras looks for downloads, by Keras' own rules, without importing Keras.

    ``KERAS_HOME``, else ``~/.keras``; below the folder for temporary files where that is not
    writable. Keras reads the variable once, when it is imported.
    """
    temporary = "/tmp" if os.path.isdir("/tmp") else tempfile.gettempdir()
    home = os.environ.get("KERAS_HOME")
    if home is None:
        user = os.path.expanduser("~")
        home = os.path.join(user if os.access(user, os.W_OK) else temporary, ".keras")
    path = Path(home).expanduser().absolute()
    nearest = next(folder for folder in (path, *path.parents) if folder.exists())
    if home and os.access(nearest, os.W_OK):
        return path
    return Path(temporary) / ".keras"


def on_this_machine(info: DatasetInfo) -> bool:
    """Whether a dataset needs no network: bundled, generated, or all its files downloaded."""
    if info.source is Source.STORED:
        return (folder_of(info.content_hash) / SAMPLES_FILE).is_file()
    if info.source is not Source.DOWNLOAD:
        return True
    folder = keras_cache()
    return all((folder / file).is_file() for file, _ in info.downloads)


def load_keras_dataset(info: DatasetInfo) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """``keras.datasets.<name>.load_data()``: ``(x, y), (x_test, y_test)``, downloaded if needed.

    One process at a time, since Keras writes and unpacks in place. Raises DatasetError, at the
    latest after ``PATIENCE`` seconds without an answer, with what to bring where. A file in the
    cache that is not what Keras expects is renamed to ``….rejected``: Keras would overwrite it
    or, without network, delete it.
    """
    rejected: Path | None = None
    try:
        import keras

        with _alone(info):
            rejected = _move_rejected_aside(info)
            if not on_this_machine(info):
                print(f"Downloading {info.name}, {info.megabytes} MB, from {info.url}", flush=True)
                expect_answer(info.url)
            with socket_timeout():
                return getattr(keras.datasets, info.name).load_data()
    except Exception as error:  # Keras raises a bare Exception for a failed download
        raise DatasetError(_explain(info, error, rejected)) from error


@contextmanager
def _alone(info: DatasetInfo) -> Iterator[None]:
    folder = keras_cache() / "datasets"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{info.name}.lock")
    try:
        held = lock.acquire(timeout=2)
    except Timeout:
        print(f"Waiting: another run is downloading {info.name}.", flush=True)
        held = lock.acquire()
    with held:
        yield


@contextmanager
def socket_timeout() -> Iterator[None]:
    """Within it, sockets give up after PATIENCE seconds without a byte."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def expect_answer(url: str, patience: float = PATIENCE) -> None:
    """Raise TimeoutError or URLError unless the server, or the proxy before it, answers in time.

    In a thread, because a socket's timeout counts for each address of a host anew and not at all
    for looking up its name: behind a firewall that swallows packets that adds up to minutes.
    """
    failures: list[Exception] = []

    def ask() -> None:
        request = urllib.request.Request(url, method="HEAD")
        try:
            urllib.request.urlopen(request, timeout=2 * patience).close()
        except urllib.error.HTTPError as answer:
            answer.close()  # refused, but an answer: the download itself will tell
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(patience)
    if thread.is_alive():
        raise TimeoutError(f"no answer from {url} within {patience:g} s")
    if failures:
        raise failures[0]


def _move_rejected_aside(info: DatasetInfo) -> Path | None:
    path = keras_cache() / info.file
    if not info.sha256 or not path.is_file() or not _is_broken(path, info):
        return None
    aside = path.with_name(path.name + ".rejected")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.rejected-{number}")
    path.rename(aside)
    print(f"{path} is not the file that Keras expects; it is now {aside}.", flush=True)
    return aside


def _is_broken(path: Path, info: DatasetInfo) -> bool:
    if info.sha256:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() != info.sha256
    try:
        with gzip.open(path) as content:
            while content.read(1 << 20):
                pass
    except (OSError, EOFError, zlib.error):
        return True
    return False


def _explain(info: DatasetInfo, error: Exception, rejected: Path | None) -> str:
    told = error.reason if isinstance(error, urllib.error.URLError) else error
    reason = " ".join(str(told).split()) or type(error).__name__
    sentences = [f"{info.name} cannot be loaded: {reason.rstrip('.')}."]
    if rejected:
        sentences.append(
            "The file that was there does not have the content that Keras expects (sha256 "
            f"{info.sha256}); it was moved to {rejected}."
        )
    folder = keras_cache()
    files = [(folder / file, url) for file, url in info.downloads]
    broken = [(path, url) for path, url in files if path.is_file() and _is_broken(path, info)]
    missing = [(path, url) for path, url in files if not path.is_file()]
    for path, url in broken:
        sentences.append(f"{path} is incomplete or damaged: delete it, or replace it with {url}.")
    for path, url in missing:
        sentences.append(
            f"Looked for {path}. Without a network connection, save {url} there under that name."
        )
    if not broken and not missing:
        sentences.append(f"It was read from {', '.join(str(path) for path, _ in files)}.")
    local = [name for name, entry in CATALOG.items() if entry.source is not Source.DOWNLOAD]
    sentences.append(f"Datasets that need no download: {', '.join(local)}.")
    return " ".join(sentences)
