"""What is recorded of a run beside its losses and metrics: the one table from which derive what is
judged, what is a curve, what is a fact, and what the log says of an epoch."""

from typing import Literal, NamedTuple


class RecordedName(NamedTuple):
    """One name, or all that begin with it where it ends with ``_``.

    ``once``: one value for the run, not one an epoch. ``judged``: a verdict and a comparison may
    go by it. ``logged``: the line of an epoch in the run's log has it. ``drawn`` is where.
    """

    name: str
    once: bool = False
    judged: bool = False
    logged: bool = False
    drawn: Literal["curves", "learning rate", "gap", ""] = ""


RECORDED = (
    RecordedName("train_eval_", judged=True, drawn="curves"),
    RecordedName("learning_rate", drawn="learning rate"),
    RecordedName("epoch_seconds", logged=True),
    RecordedName("evaluation_seconds"),
    RecordedName("data_wait_share"),  # of runs that stream their samples
    RecordedName("loss_training_mode", drawn="gap"),
    RecordedName("loss_penalty", drawn="gap"),
    RecordedName("se_val_loss", drawn="gap"),
    RecordedName("se_train_eval_loss", drawn="gap"),
    RecordedName("se_loss_training_mode", drawn="gap"),
    RecordedName("constant_loss", once=True),
    RecordedName("train_samples", once=True),
    RecordedName("val_samples", once=True),
    RecordedName("test_samples", once=True),
    RecordedName("predicted_memory_mb", once=True),
    RecordedName("peak_memory_mb", once=True),
    RecordedName("best_", once=True, judged=True),
    RecordedName("test_", once=True, judged=True),
    RecordedName("parameters", once=True),  # as earlier versions had it; a param now
)
_NAMES = [one for one in RECORDED if not one.name.endswith("_")]

#: The single values of a run; ``best_`` and ``test_`` values are told by these beginnings.
FACTS = tuple(one.name for one in _NAMES if one.once)
#: No verdict, no comparison and no order of runs goes by these.
NOT_JUDGED = tuple(one.name for one in _NAMES if not one.judged)
#: What the difference between loss and val_loss is taken apart with (docs/gap.md).
OF_THE_GAP = tuple(one.name for one in RECORDED if one.drawn == "gap")
#: Names, or their beginnings, that are recorded each epoch and are none of its curves.
NOT_CURVES = tuple(one.name for one in RECORDED if not one.once and one.drawn != "curves")
#: Names, or their beginnings, that the log leaves out.
NOT_LOGGED = tuple(one.name for one in RECORDED if not one.once and not one.logged)
