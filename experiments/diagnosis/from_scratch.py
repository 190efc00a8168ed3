"""The same run without pretraining, to tell what pretraining was worth."""

from experiments.core.errors import InputError
from experiments.diagnosis.base_findings import scratch_changes
from experiments.spec.model_specs import BaseSpec
from experiments.spec.run_spec import RunSpec
from experiments.spec.spec_files import parse_spec

_LONGEST_TITLE = 150


def has_pretraining(spec: RunSpec) -> bool:
    """Whether a spec has a base that knows something before the run."""
    return isinstance(spec.model, BaseSpec) and spec.model.weights != "random"


def from_scratch(spec: RunSpec) -> RunSpec:
    """The same data, split, network and head; its base begins at random and trains, with batch
    normalization, at the head's learning rate from the first epoch on.

    Raises InputError for a spec without pretraining.
    """
    if not has_pretraining(spec):
        raise InputError(
            f"{spec.title} has no pretrained base: it is trained from scratch already."
        )
    data = spec.model_dump(mode="json")
    data |= {"name": f"{spec.title[:_LONGEST_TITLE]} · from scratch", "start": None}
    data["finetune"] = data["finetune"] or {}
    for name, value in scratch_changes(spec).items():
        part, field = name.split(".")
        if data[part] is not None:
            data[part][field] = value
    return parse_spec(data)
