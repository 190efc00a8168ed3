"""Where the file of a saved base lies on this machine, without Keras."""

from pathlib import Path, PurePosixPath

from experiments.core.errors import ArtifactError
from experiments.core.settings import settings_in_use
from experiments.spec.model_specs import SavedBaseSpec


def base_path(spec: SavedBaseSpec) -> Path:
    """The file of a saved base, where the settings in use keep it: whoever builds a network has
    its spec and nothing else. Raises ArtifactError where nobody brought it here.

    tracking.stored_bases.fetch_base does, before a run is trained or previewed.
    """
    path = place_of(spec, settings_in_use().bases)
    if not path.is_file():
        raise ArtifactError(
            f"model.run: {spec.file} of run {spec.run} is not on this machine: {path}. Launch the "
            "run through the dashboard, `submit` or `run`, which fetch it."
        )
    return path


def place_of(spec: SavedBaseSpec, bases: Path) -> Path:
    """Where it lies in the folder of bases, or would lie; what is there can be deleted at any
    time."""
    return bases / PurePosixPath(spec.run).name / spec.file.replace("/", "__")
