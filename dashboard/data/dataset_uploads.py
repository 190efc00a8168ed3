"""Uploads that may become datasets: on disk for a day, never a second time in memory."""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from experiments.core.errors import DatasetError
from experiments.core.old_files import remove_old
from experiments.core.settings import Settings
from experiments.data.reading.arrays.npy_files import is_npy

_LONGEST_NAME = 100
_PIECE = 1 << 20
_TOGETHER = "arrays"


def keep_upload(settings: Settings, files: Mapping[str, IO[bytes]]) -> Path:
    """Write what was uploaded at once, by name, into a folder named by its content; the same
    content is written once. Several .npy files are one folder of arrays.

    Of a name only letters, digits and ``._-`` are kept. What is older than a day goes. Raises
    DatasetError for several files that are no arrays.
    """
    home = settings.home / "dataset uploads"
    remove_old(home)
    kept = {_plain(name): file for name, file in files.items()}
    if len(files) > 1 and not all(map(is_npy, kept)):
        raise DatasetError(
            f"Received {len(files)} files at once: {', '.join(files)}. Allowed: one file, or "
            "several .npy files that belong together. Choose one of them, and the others later."
        )
    folder = home / _digest(kept)
    if not folder.exists():
        _write(kept, folder)
    folder.touch()
    return folder / (_TOGETHER if len(kept) > 1 else next(iter(kept)))


def _write(files: Mapping[str, IO[bytes]], folder: Path) -> None:
    """All of them or none, several in a folder of their own."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=folder.parent) as home:
        unfinished = Path(home) / folder.name
        inside = unfinished / _TOGETHER if len(files) > 1 else unfinished
        inside.mkdir(parents=True)
        for name, file in files.items():
            file.seek(0)
            with (inside / name).open("wb") as out:
                shutil.copyfileobj(file, out, _PIECE)
        try:
            unfinished.rename(folder)
        except OSError:
            if not folder.exists():  # else another page was quicker with the same
                raise


def _digest(files: Mapping[str, IO[bytes]]) -> str:
    digest = hashlib.sha256()
    for name, file in files.items():
        digest.update(name.encode())
        file.seek(0)
        while part := file.read(_PIECE):
            digest.update(part)
    return digest.hexdigest()[:16]


def _plain(name: str) -> str:
    return re.sub(r"[^\w.-]", "_", Path(name).name)[-_LONGEST_NAME:].lstrip(".-") or "data"
