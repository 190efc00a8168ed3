"""The checkpoints of a run as files: which there are, what each is for, and no file twice.

While a run trains, ``checkpoints/last.h5``, ``best.h5`` and ``epoch-00010.h5`` are names of the
same few files (hard links). When it has ended, each file is kept under one name, and
``checkpoints/index.json`` says what it is for.
"""

import json
import logging
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from experiments.core.atomic_files import UNFINISHED, replacing
from experiments.core.errors import ArtifactError
from experiments.core.format_versions import check_format

FOLDER = "checkpoints"
INDEX_FILE = f"{FOLDER}/index.json"
MODEL_FILE = "model/model.h5"
LAST, BEST = "last", "best"
#: Where checkpoints go that cannot be read, in case somebody can mend them.
UNREADABLE = "unreadable"
_FORMAT = 1

logger = logging.getLogger(__name__)


class Checkpoint(NamedTuple):
    """A whole model with its training state.

    ``epoch`` whole epochs are behind it, and ``batch`` batches of the next. ``file`` is the
    artifact's path; ``roles`` are ``last``, ``best`` and ``kept``.
    """

    epoch: int
    batch: int
    file: str
    roles: tuple[str, ...]
    bytes: int

    @property
    def words(self) -> str:
        """Where in training it was saved."""
        cut = f" and {self.batch} batches" if self.batch else ""
        return f"after {self.epoch} epoch{'s' * (self.epoch != 1)}{cut}"


def path_of(artifacts: Path, name: str) -> Path:
    """Where the checkpoint with a name (``last``, ``best``, ``epoch-00010``) lies."""
    return artifacts / FOLDER / f"{name}.h5"


def epoch_name(epoch: int) -> str:
    """The name of a checkpoint that is kept for its epoch."""
    return f"epoch-{epoch:05}"


def link(source: Path, target: Path) -> None:
    """Give a file a second name, replacing what had it; a copy where the disk has no links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as unfinished:
        try:
            os.link(source, unfinished)
        except OSError:
            shutil.copyfile(source, unfinished)


def finish(artifacts: Path) -> list[str]:
    """Leave each checkpoint under one name and write the index; does nothing the second time.

    A run that died has no model yet: its last checkpoint becomes that. Files that cannot be read
    are moved to ``unreadable/``, and their names are returned; the newest of the others is then
    the last checkpoint.
    """
    for half in artifacts.rglob(f"{UNFINISHED}*"):  # what a killed process was writing
        half.unlink()
    names = sorted((artifacts / FOLDER).glob("*.h5"))
    if not names or (artifacts / INDEX_FILE).exists():
        return _unreadable(artifacts)
    model = artifacts / MODEL_FILE
    progress = {path: _sort_out(artifacts, path) for path in [model, *names] if path.exists()}
    if not model.exists() and (source := _newest(progress)):
        link(source, model)
        progress[model] = progress[source]
    found: list[Checkpoint] = []
    for path in [model, *names]:
        if not path.exists():
            continue
        file = path.relative_to(artifacts).as_posix()
        role = _role(path) if path != model else ()
        for position, kept in enumerate(found):
            if os.path.samefile(artifacts / kept.file, path):
                found[position] = kept._replace(roles=tuple(dict.fromkeys(kept.roles + role)))
                path.unlink()
                break
        else:
            if (behind := progress[path]) is None:
                continue  # a model that could be saved only when training had ended
            epoch, batch = behind
            found.append(Checkpoint(epoch, batch, file, role, path.stat().st_size))
    found = [checkpoint for checkpoint in found if checkpoint.roles]
    found.sort(key=lambda checkpoint: (checkpoint.epoch, checkpoint.batch))
    if found and _unreadable(artifacts) and not any(LAST in kept.roles for kept in found):
        found[-1] = found[-1]._replace(roles=(LAST, *found[-1].roles))
    rows = [kept._asdict() for kept in found]
    text = json.dumps({"format": _FORMAT, "checkpoints": rows}, indent=1)
    with replacing(artifacts / INDEX_FILE) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    return _unreadable(artifacts)


def _unreadable(artifacts: Path) -> list[str]:
    return sorted(path.name for path in (artifacts / UNREADABLE).glob("*"))


def _sort_out(artifacts: Path, path: Path) -> tuple[int, int] | None:
    """What is behind a checkpoint; one that cannot be read is moved out of the way."""
    try:
        return read_progress(path)
    except (OSError, RuntimeError, LookupError, ValueError, TypeError) as error:  # as h5py does
        logger.warning("%s cannot be read: %s", path, error)
        target = artifacts / UNREADABLE / path.name
        target.parent.mkdir(exist_ok=True)
        path.replace(target)
        return None


def _newest(progress: Mapping[Path, tuple[int, int] | None]) -> Path | None:
    """The checkpoint named last, or where it cannot be read the one with the most epochs."""
    behind = {path: done or (0, 0) for path, done in progress.items() if path.exists()}
    return max(behind, key=lambda path: (path.stem == LAST, behind[path]), default=None)


def parse_index(text: str) -> list[Checkpoint]:
    """The checkpoints of an index.json, in order of their epochs; raises ArtifactError for one of
    a later format."""
    data: dict[str, Any] = json.loads(text)
    check_format("The index of the run's checkpoints", data, _FORMAT, ArtifactError)
    known = [{name: row[name] for name in Checkpoint._fields} for row in data["checkpoints"]]
    return [Checkpoint(**row | {"roles": tuple(row["roles"])}) for row in known]


def find(checkpoints: Iterable[Checkpoint], epoch: int | None = None) -> Checkpoint:
    """The last checkpoint, or the one after so many whole epochs; raises ArtifactError."""
    have = list(checkpoints)
    for checkpoint in have:
        wanted = LAST in checkpoint.roles if epoch is None else checkpoint.epoch == epoch
        if wanted and (epoch is None or not checkpoint.batch):
            return checkpoint
    allowed = ", ".join(str(checkpoint.epoch) for checkpoint in have if not checkpoint.batch)
    asked = "the last one" if epoch is None else f"the one after {epoch} epochs"
    raise ArtifactError(
        f"The run has no such checkpoint: received {asked}. Allowed, in epochs: "
        f"{allowed or 'none, because nothing was saved'}."
    )


def spread(checkpoint: Checkpoint, file: Path, artifacts: Path) -> None:
    """Bring a stored checkpoint back under the names that a training process works with."""
    for role in checkpoint.roles:
        name = epoch_name(checkpoint.epoch) if role == "kept" else role
        link(file, path_of(artifacts, name))


def read_progress(path: Path) -> tuple[int, int] | None:
    """The whole epochs that are behind a checkpoint, and the batches of the next one; None for a
    model without training state."""
    import h5py

    with h5py.File(path, "r") as file:
        if "training_state" not in file:
            return None
        state = json.loads(file["training_state"].attrs["state"])
    return state["epoch"], state["batch"]


def _role(path: Path) -> tuple[str, ...]:
    return (path.stem,) if path.stem in (LAST, BEST) else ("kept",)
