"""ImageNet weights of keras.applications: from Keras' own cache folder, or downloaded into it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from experiments.datasets.downloads import expect_answer, keras_cache, socket_timeout
from experiments.errors import ArtifactError


@contextmanager
def weights_brought() -> Iterator[None]:
    """Within it, files that Keras' applications ask for are looked for, checked and downloaded so
    that a failure is told within seconds. Keras itself waits for minutes without a network, and
    takes a file of no known hash as it is.

    Their constructors ask ``file_utils.get_file``, which is replaced meanwhile.
    """
    from keras.src.utils import file_utils

    keras_own = file_utils.get_file

    def bring(fname: str, origin: str, **options: Any) -> str:
        return str(_bring(keras_own, fname, origin, options))

    file_utils.get_file = bring
    try:
        yield
    finally:
        file_utils.get_file = keras_own


def _bring(keras_own: Any, name: str, url: str, options: dict[str, Any]) -> Path:
    folder = keras_cache() / options.get("cache_subdir", "models")
    path, expected = folder / name, options.get("file_hash")
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{name}.lock"):
        if path.is_file():
            if not expected or _hash_of(path, expected) == expected:
                return path
            raise ArtifactError(
                f"{path} is not the file that Keras expects: its {_algorithm(expected)} is "
                f"{_hash_of(path, expected)}, expected is {expected}. Delete it to have it "
                f"downloaded, or replace it with {url}."
            )
        print(f"Downloading {url} to {path}", flush=True)
        try:
            expect_answer(url)
            with socket_timeout():
                return Path(keras_own(name, url, cache_dir=keras_cache(), **options))
        except Exception as error:  # Keras raises a bare Exception for a failed download
            path.unlink(missing_ok=True)  # what came of it
            said = " ".join(str(error).split()).rstrip(".")
            raise ArtifactError(
                f"The ImageNet weights cannot be had: {said}. Looked for {path}; without network, "
                f"save {url} there under that name. Or train with model.weights: random."
            ) from error


def _hash_of(path: Path, expected: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, _algorithm(expected)).hexdigest()


def _algorithm(expected: str) -> str:
    return "sha256" if len(expected) == 64 else "md5"
