"""ImageNet weights of keras.applications: from Keras' own cache folder, or downloaded into it."""

import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from experiments.core.errors import ArtifactError
from experiments.core.keras_compat import files_from
from experiments.data.downloads import expect_answer, keras_cache, socket_timeout
from experiments.models.weight_files import algorithm, cannot_be_had, hash_of


@contextmanager
def fetching_weights(otherwise: str = "") -> Iterator[None]:
    """Within it, files that Keras' applications ask for are looked for, checked and downloaded so
    that a failure is told within seconds. Keras itself waits for minutes without a network, and
    takes a file of no known hash as it is. ``otherwise`` is what else one could do, in words.
    """
    from keras.utils import get_file

    def fetch(fname: str, origin: str, **options: Any) -> str:
        try:
            return str(_fetch(get_file, fname, origin, options))
        except ArtifactError as error:
            raise ArtifactError(f"{error} {otherwise}".strip()) from error

    with files_from(fetch):
        yield


def _fetch(get_file: Any, name: str, url: str, options: dict[str, Any]) -> Path:
    folder = keras_cache() / options.get("cache_subdir", "models")
    path, expected = folder / name, str(options.get("file_hash") or "")
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{name}.lock"):
        if path.is_file():
            found = hash_of(path, algorithm(expected)) if expected else ""
            if found == expected:
                return path
            raise ArtifactError(
                f"{path} is not the file that Keras expects: its {algorithm(expected)} is "
                f"{found}, expected is {expected}. Delete it to have it downloaded, or replace it "
                f"with {url}."
            )
        print(f"Downloading {url} to {path}", flush=True)
        try:
            expect_answer(url)
            with socket_timeout():
                return Path(get_file(name, url, cache_dir=keras_cache(), **options))
        except Exception as error:  # Keras raises a bare Exception for a failed download
            path.unlink(missing_ok=True)  # what came of it
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            raise ArtifactError(cannot_be_had(url, path, reason)) from error
