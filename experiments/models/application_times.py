"""How long networks took for an image on this machine; the file can be deleted at any time."""

import importlib.metadata
from pathlib import Path

from experiments.core.run_folder import read_json, write_json
from experiments.core.settings import read_settings


def remember_time(application: str, side: int, milliseconds: float) -> None:
    """Keep what was measured for images of that side."""
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, read_json(path) | {_key(application, side): milliseconds})


def known_time(application: str, side: int) -> float | None:
    """Milliseconds for an image of that side, once measured with the installed Keras."""
    found = read_json(_path()).get(_key(application, side))
    return None if found is None else float(found)


def _key(application: str, side: int) -> str:
    return f"{importlib.metadata.version('keras')} {application} {side}"


def _path() -> Path:
    return read_settings().home / "cache" / "application_times.json"
