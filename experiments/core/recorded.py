"""What is recorded of a run beside its losses and metrics: the one table from which derive what is
judged, what is a curve, what is a fact, and what the log says of an epoch."""

from typing import Literal, NamedTuple


class Recorded(NamedTuple):
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
    Recorded("train_eval_", judged=True, drawn="curves"),
    Recorded("learning_rate", drawn="learning rate"),
    Recorded("epoch_seconds", logged=True),
    Recorded("evaluation_seconds"),
    Recorded("data_wait_share"),  # of runs that stream their samples
    Recorded("loss_training_mode", drawn="gap"),
    Recorded("loss_penalty", drawn="gap"),
    Recorded("se_val_loss", drawn="gap"),
    Recorded("se_train_eval_loss", drawn="gap"),
    Recorded("se_loss_training_mode", drawn="gap"),
    Recorded("constant_loss", once=True),
    Recorded("train_samples", once=True),
    Recorded("val_samples", once=True),
    Recorded("test_samples", once=True),
    Recorded("predicted_memory_mb", once=True),
    Recorded("peak_memory_mb", once=True),
    Recorded("best_", once=True, judged=True),
    Recorded("test_", once=True, judged=True),
    Recorded("parameters", once=True),  # as earlier versions had it; a param now
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
