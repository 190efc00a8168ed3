"""How long networks took for an image on this machine; the file can be deleted at any time."""

import importlib.metadata

from experiments.core.run_folder import read_json, write_json
from experiments.core.settings import Settings


def remember_time(settings: Settings, application: str, side: int, milliseconds: float) -> None:
    """Keep what was measured for images of that side."""
    path = settings.application_times
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, read_json(path) | {_key(application, side): milliseconds})


def known_time(settings: Settings, application: str, side: int) -> float | None:
    """Milliseconds for an image of that side, once measured with the installed Keras."""
    found = read_json(settings.application_times).get(_key(application, side))
    return None if found is None else float(found)


def _key(application: str, side: int) -> str:
    return f"{importlib.metadata.version('keras')} {application} {side}"
