"""Files of ImageNet weights on this machine: which are here, bringing one, downloading one.

Keras' own constructors find them in Keras' cache folder; Keras is not imported here.
"""

import hashlib
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

from experiments.core.atomic_files import replacing
from experiments.core.errors import ArtifactError, InputError
from experiments.data.downloads import PATIENCE, expect_answer, keras_cache
from experiments.spec.applications import CLASSES_FILE, WeightFile, list_applications

_PIECE = 1 << 20

#: Receives how many bytes of how many are here; of 0 where the server does not say.
Progress = Callable[[int, int], None]


class CachedWeights(NamedTuple):
    """What a file turned out to be, whose it is, and where it lies now."""

    file: WeightFile
    application: str
    path: Path


def place_of(file: WeightFile) -> Path:
    """Where Keras looks for a file."""
    return keras_cache() / "models" / file.name


def is_here(file: WeightFile) -> bool:
    """Whether a file lies there; its content is checked when it is used."""
    return place_of(file).is_file()


def add_weight_file(
    path: Path, name: str = "", files: Iterable[WeightFile] | None = None
) -> CachedWeights:
    """Put an official weight file where Keras looks for it, under Keras' name.

    Which one it is follows from its content, whatever it is called; of those for which Keras knows
    no hash (MobileNet, MobileNetV2) from its ``name``, by default the path's. ``files`` are those
    that it may be, by default all. Raises InputError for any other file.
    """
    if not path.is_file():
        raise InputError(f"There is no file {path}. Name a weight file that Keras offers.")
    known = list(files) if files is not None else _all_files()
    hashes = {kind: hash_of(path, kind) for kind in ("md5", "sha256")}
    found = next((one for one in known if one.hash and one.hash in hashes.values()), None)
    name = name or path.name
    named = next((one for one in known if one.name == name), None)
    if found is None and named is not None and not named.hash:
        found = named
    if found is None:
        expected = (
            f"Keras knows a file of that name, with {algorithm(named.hash)} {named.hash}: this one "
            "is damaged or another version."
            if named
            else f"None of the {len(known)} files of keras.applications has that content."
        )
        raise InputError(
            f"{name} is not a weight file that Keras knows: received md5 {hashes['md5']}. "
            f"{expected} Download it from the address shown on its network's page."
        )
    place = place_of(found)
    place.parent.mkdir(parents=True, exist_ok=True)
    with replacing(place) as unfinished:
        shutil.copyfile(path, unfinished)
    return CachedWeights(found, application_of(found), place)


def download(file: WeightFile, progress: Progress = lambda _done, _total: None) -> Path:
    """The file in Keras' cache folder, downloaded if it is not there.

    ``progress`` is told how far it is. Raises ArtifactError, at the latest after 20 s without an
    answer or a further byte, with what to save where; what came of it is deleted.
    """
    place = place_of(file)
    place.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(place.parent / f"{file.name}.lock"):
        if place.is_file():
            return place
        try:
            expect_answer(file.url)
            with replacing(place) as unfinished:
                _fetch(file.url, unfinished, progress)
                _check(unfinished, file)
        except (OSError, urllib.error.URLError, ArtifactError) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            raise ArtifactError(cannot_be_had(file.url, place, reason)) from error
    return place


def cannot_be_had(url: str, place: Path, reason: object) -> str:
    """Why a file is missing, where it is looked for and how to bring it, in words."""
    said = " ".join(str(reason).split()).rstrip(".")
    return (
        f"The ImageNet weights cannot be downloaded: {said}. Looked for {place}. Without a "
        f"network connection, save {url} there under that name."
    )


def hash_of(path: Path, kind: str) -> str:
    """The md5 or sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def algorithm(digest: str) -> str:
    """Which of both a hash is."""
    return "sha256" if len(digest) == 64 else "md5"


def application_of(file: WeightFile) -> str:
    """The network that a file is of, or "" for the names of the classes."""
    return next((one.name for one in list_applications() if file in one.files), "")


def _all_files() -> list[WeightFile]:
    return [*(file for one in list_applications() for file in one.files), CLASSES_FILE]


def _fetch(url: str, path: Path, progress: Progress) -> None:
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer, path.open("wb") as out:
        total = int(answer.headers.get("Content-Length") or 0)
        done = 0
        progress(0, total)
        while piece := answer.read(_PIECE):
            out.write(piece)
            done += len(piece)
            progress(done, total)
    if total and done < total:
        raise OSError(f"the download broke off after {done:,} of {total:,} bytes")


def _check(path: Path, file: WeightFile) -> None:
    if not file.hash:
        return
    found = hash_of(path, algorithm(file.hash))
    if found != file.hash:
        raise ArtifactError(
            f"what was downloaded is not the file that Keras expects: its {algorithm(file.hash)} "
            f"is {found}, expected is {file.hash}"
        )
