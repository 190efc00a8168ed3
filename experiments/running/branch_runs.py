"""The spec of a run that branches off another one."""

from experiments.core.checkpoint_files import find
from experiments.core.errors import ArtifactError, InputError
from experiments.spec.run_spec import RunSpec, StartSpec
from experiments.spec.spec_files import load_spec
from experiments.tracking.artifacts import list_checkpoints
from experiments.tracking.run_specs import get_spec
from experiments.tracking.runs import get_run
from experiments.tracking.store import Store


def branch_spec(
    store: Store, run_id: str, epoch: int | None = None, overrides: list[str] | None = None
) -> RunSpec:
    """The spec of a run that goes on from a checkpoint of another one, with changed settings.

    ``epoch`` is how many epochs are behind the checkpoint, by default those of the last whole
    one; ``overrides`` are FIELD=VALUE. Another seed leaves the samples in their parts:
    those that validate or test have not trained before. Raises ArtifactError for a checkpoint that
    is not there and InputError where nothing would be left to train.
    """
    run = get_run(store, run_id)
    whole = [checkpoint for checkpoint in list_checkpoints(store, run_id) if not checkpoint.batch]
    if not whole:
        raise ArtifactError(f"{run.name} has no checkpoint of a whole epoch to branch off from.")
    start = find(whole, whole[-1].epoch if epoch is None else epoch)
    parent = get_spec(store, run_id)
    seed = parent.data_seed if parent.split.is_drawn else parent.split.seed
    branch = parent.model_copy(
        update={
            "name": f"{run.name[:170]} from epoch {start.epoch}",
            "start": StartSpec(run=run_id, epoch=start.epoch),
            "split": parent.split.model_copy(update={"seed": seed}),
        }
    )
    spec = load_spec(branch.to_yaml(), overrides)
    if spec.training.epochs <= start.epoch:
        raise InputError(
            f"training.epochs: received {spec.training.epochs}, and {start.epoch} epochs are "
            f"behind the checkpoint. Allowed: a total above {start.epoch}, with --set "
            "training.epochs=N."
        )
    return spec
