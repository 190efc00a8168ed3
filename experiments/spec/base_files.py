"""Where the file of a saved base lies on this machine, without Keras."""

from pathlib import Path, PurePosixPath

from experiments.core.errors import ArtifactError
from experiments.core.settings import read_settings
from experiments.spec.model_specs import SavedBaseSpec


def base_path(spec: SavedBaseSpec) -> Path:
    """The file of a saved base; raises ArtifactError where nobody brought it here.

    tracking.bases.bring_base does, before a run is trained or previewed.
    """
    path = place_of(spec)
    if not path.is_file():
        raise ArtifactError(
            f"model.run: {spec.file} of run {spec.run} is not on this machine: {path}. Launch the "
            "run through the dashboard, `submit` or `run`, which fetch it."
        )
    return path


def place_of(spec: SavedBaseSpec) -> Path:
    """Where it lies, or would lie; the folder can be deleted at any time."""
    folder = read_settings().home / "cache" / "bases" / PurePosixPath(spec.run).name
    return folder / spec.file.replace("/", "__")
