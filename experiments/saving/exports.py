"""A run's model, its parts, its history or a script of it, written to a file.

Keras is imported only for ``keras``; so the web process can make all the others itself.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from experiments.core.atomic_files import replacing
from experiments.core.checkpoint_files import MODEL_FILE
from experiments.core.errors import ArtifactError, InputError, unknown
from experiments.saving.script_export.script import write_script
from experiments.tracking.artifacts import fetch_artifact
from experiments.tracking.run_specs import get_spec, read_text
from experiments.tracking.runs import get_run
from experiments.tracking.store import Store

_ARCHITECTURE_FILE = "model/architecture.json"
_WEIGHTS_FILE = "model/model.weights.h5"
_HISTORY_FILE = "history.json"


def export_run(store: Store, run_id: str, kind: str, out: Path) -> int:
    """Write what ``kind`` (one of KINDS) names to the file ``out``; returns its size in bytes.

    It is written beside ``out`` and then renamed, so that what was there stays until the new file
    is whole. Raises InputError for an unknown kind and for an ``out`` that cannot be written, and
    ArtifactError for a run that has not saved what is asked for.
    """
    if kind not in KINDS:
        raise InputError(unknown("format", kind, KINDS))
    check_out(out)
    # Keras chooses its format by the suffix; some of our users choose none.
    suffix = {"keras": ".keras", "weights": ".weights.h5"}.get(kind, "")
    try:
        with replacing(out, suffix) as unfinished:
            KINDS[kind](store, run_id, unfinished)
            return unfinished.stat().st_size
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror or error}.") from None


def check_out(out: Path) -> None:
    """Raise InputError for a file to write that is a folder, or whose folder is not there."""
    if out.is_dir():
        raise InputError(f"{out} is a folder. Name a file, for example {out / 'model.h5'}.")
    if not out.parent.is_dir():
        raise InputError(f"There is no folder {out.parent}. Create it first, or name another file.")


def export_to(store: Store, run_id: str, kind: str, path: str) -> dict[str, Any]:
    """export_run for the process that answers the web page: ``{"file": …, "bytes": …}``."""
    return {"file": path, "bytes": export_run(store, run_id, kind, Path(path))}


def architecture_to_yaml(text: str) -> str:
    """A Keras architecture in JSON as YAML, with the fields in the same order."""
    return yaml.safe_dump(json.loads(text), sort_keys=False, allow_unicode=True)


def _copy(path: str) -> Callable[[Store, str, Path], None]:
    def copy(store: Store, run_id: str, out: Path) -> None:
        shutil.copyfile(_fetch(store, run_id, path), out)

    return copy


def _write_keras(store: Store, run_id: str, out: Path) -> None:
    """From a model that was loaded for this: a .keras that Keras saves after an .h5 from the same
    object comes back without its optimizer (Keras 3.15)."""
    from experiments.saving.whole_model import load_model

    load_model(_fetch(store, run_id, MODEL_FILE)).save(out)


def _write_weights(store: Store, run_id: str, out: Path) -> None:
    """A run whose process died has them in its checkpoint only."""
    try:
        shutil.copyfile(fetch_artifact(store, run_id, _WEIGHTS_FILE), out)
    except ArtifactError:
        from experiments.saving.whole_model import load_model, save_weights

        save_weights(load_model(_fetch(store, run_id, MODEL_FILE)), out)


def _write_yaml(store: Store, run_id: str, out: Path) -> None:
    out.write_text(architecture_to_yaml(_read(store, run_id, _ARCHITECTURE_FILE)), encoding="utf-8")


def _write_script(store: Store, run_id: str, out: Path) -> None:
    architecture = json.loads(_read(store, run_id, _ARCHITECTURE_FILE))
    title = f"{get_run(store, run_id).name}, run {run_id}"
    out.write_text(write_script(get_spec(store, run_id), architecture, title), encoding="utf-8")


def _fetch(store: Store, run_id: str, path: str) -> Path:
    try:
        return fetch_artifact(store, run_id, path)
    except ArtifactError as error:
        run = get_run(store, run_id)
        raise ArtifactError(
            f"{run.name} is {run.status.value} and has not saved {path}. Allowed: a run that has "
            f"trained at least one epoch and has ended. {error}"
        ) from None


def _read(store: Store, run_id: str, path: str) -> str:
    _fetch(store, run_id, path)
    return read_text(store, run_id, path)


#: What a run can be exported as, and what writes it.
KINDS: dict[str, Callable[[Store, str, Path], None]] = {
    "h5": _copy(MODEL_FILE),
    "keras": _write_keras,
    "weights": _write_weights,
    "json": _copy(_ARCHITECTURE_FILE),
    "yaml": _write_yaml,
    "script": _write_script,
    "history": _copy(_HISTORY_FILE),
}
