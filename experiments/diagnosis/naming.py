"""What the metrics of a run are called elsewhere, and which two of them belong together.

Known: Keras, MLflow's autologging, PyTorch Lightning (`train_loss_epoch`), Hugging Face
(`eval_loss`), fastai, Ultralytics, TensorBoard (`loss/train`), LightGBM and plain names.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from experiments.core import recorded
from experiments.spec.metrics import METRICS

TRAIN = ("train", "training", "trn")
# The likeliest to be what a run was steered by comes first.
VALIDATION = ("val", "valid", "validation", "eval", "evaluation", "dev", "holdout", "test")
# Measured over an epoch is preferred to measured in a step.
SPANS = ("epoch", "step")
ROLES = TRAIN + VALIDATION
# Written like this everywhere, whatever the letters.
CANONICAL = {"loss": "loss", "acc": "accuracy", "accuracy": "accuracy"}
# Leading words that say nothing.
NAMESPACES = ("metric", "metrics", "log", "logs", "scalar", "scalars")
CAMEL = re.compile(r"^(train|training|val|valid|validation|eval|test)(?=[A-Z])")
FIRST_ROLE = re.compile(rf"^({'|'.join(ROLES)})(?:_\d+)?[^0-9a-z]+(?=.)", re.IGNORECASE)
LAST_ROLE = re.compile(rf"(?<=.)[^0-9a-z]+({'|'.join(ROLES)})$", re.IGNORECASE)
SPAN = re.compile(r"(?<=.)[^0-9a-z](epoch|step)$|^(epoch|step)[^0-9a-z](?=.)", re.IGNORECASE)
# Facts about a run that wear the same prefixes and are no curves.
FACTS = {
    "runtime", "sample", "samples", "second", "seconds", "time", "steps", "size", "batches",
    "epoch", "epochs", "duration", "lr", "rate",
}  # fmt: skip
# Found in any part of a name, and as whole words only ("mape" is an error, "map" a precision).
HIGHER_PARTS = ("acc", "auc", "precision", "recall", "f1", "f_score", "fbeta", "iou", "io_u")
HIGHER_WORDS = {
    "r2", "map", "ap", "dice", "bleu", "rouge", "ndcg", "mcc", "kappa", "jaccard", "psnr", "ssim",
    "similarity", "sensitivity", "specificity", "reward", "score", "map50",
}  # fmt: skip
TRAIN_EVAL = "train_eval_"
# Of our runs what is no measure of the model, and what others count their epochs by.
NOT_JUDGED = (*recorded.NOT_JUDGED, "epoch")


class Pair(NamedTuple):
    """The columns of one metric: `metric` is its plain name (`loss`), a missing column None."""

    metric: str
    train: str | None
    val: str | None
    higher_is_better: bool


class _Parsed(NamedTuple):
    """What a logged name means, and how it ranks among those that mean the same (0 is best)."""

    name: str
    rank: tuple[int, int]


def keras_names(metrics: Iterable[str]) -> dict[str, str]:
    """Logged name -> Keras name, for those only that are called otherwise in Keras.

    `train_loss` and `loss/train` become `loss`; `eval_loss`, `Valid Loss` and `test_loss` become
    `val_loss`; `acc` becomes `accuracy`, `lr` `learning_rate`. No two names get the same one and
    none the name of another metric: of `valid_loss` and `test_loss` the first is renamed.
    """
    names = list(dict.fromkeys(metrics))
    parsed = {name: found for name in names if (found := _parse(name))}
    taken = set(names)
    renamed: dict[str, str] = {}
    for name in sorted(parsed, key=lambda name: parsed[name].rank):
        target = parsed[name].name
        if target not in taken:
            taken.add(target)
            renamed[name] = target
    return {name: renamed[name] for name in names if name in renamed}


def find_pairs(columns: Iterable[str]) -> list[Pair]:
    """The validated metrics of a history: `loss` first, then accuracies, then the others.

    Where none is validated, what there is of training curves. `train_eval_loss` (the training
    samples in test mode) is preferred to `loss` as the training column.
    """
    logged = list(dict.fromkeys(columns))
    renamed = keras_names(logged)
    column = {renamed.get(name, name): name for name in logged}
    plain = dict.fromkeys(name.removeprefix("val_").removeprefix(TRAIN_EVAL) for name in column)
    pairs = [
        Pair(
            metric,
            column.get(TRAIN_EVAL + metric, column.get(metric)),
            column.get(f"val_{metric}"),
            higher_is_better(metric),
        )
        for metric in plain
        if metric not in NOT_JUDGED and FACTS.isdisjoint(_words(metric))
    ]
    validated = [pair for pair in pairs if pair.val is not None]
    return sorted(
        validated or pairs,
        key=lambda pair: (pair.metric != "loss", "acc" not in pair.metric, pair.train is None),
    )


def higher_is_better(metric: str) -> bool:
    """Whether a metric grows as a model gets better; of one that is not ours its name tells."""
    if metric in METRICS:
        return METRICS[metric].higher_is_better
    name = metric.lower()
    if "loss" in name:
        return False
    return any(part in name for part in HIGHER_PARTS) or not HIGHER_WORDS.isdisjoint(_words(name))


def _parse(logged: str) -> _Parsed | None:
    """The Keras name of a logged one; None where it has none but its own."""
    words = _words(logged)
    if words[:1] == ["lr"] or words == ["learning", "rate"]:
        return _Parsed("learning_rate", (0, len(words)))
    role, rest = _without_role(_without_namespace(CAMEL.sub(r"\1 ", logged)))
    rest, span = _without_span(rest)
    if role is None:
        role, rest = _without_role(rest)
    words = _words(rest)
    if not words or not FACTS.isdisjoint(words) or any(word in ROLES for word in words):
        return None
    # Other metrics keep their letters: the training curve of `val_mAP` is `mAP`.
    metric = CANONICAL.get("_".join(words), rest)
    if role is None:
        # Keras' own name, unless it is one of the two in other letters.
        return _Parsed(metric, (span, 0)) if "_".join(words) in CANONICAL else None
    if role in TRAIN:
        return _Parsed(metric, (span, 1 + TRAIN.index(role)))
    return _Parsed(f"val_{metric}", (span, VALIDATION.index(role)))


def _words(name: str) -> list[str]:
    return re.findall(r"[0-9a-z]+", name.lower())


def _without_namespace(name: str) -> str:
    first, _, rest = name.partition("/")
    return rest if rest and first.lower() in NAMESPACES else name


def _without_role(name: str) -> tuple[str | None, str]:
    """The word for training or validation, first or last, and the name without it.

    A number after it counts evaluation sets (`valid_0-logloss`).
    """
    if found := FIRST_ROLE.match(name):
        return found[1].lower(), name[found.end() :]
    if found := LAST_ROLE.search(name):
        return found[1].lower(), name[: found.start()]
    return None, name


def _without_span(name: str) -> tuple[str, int]:
    """The name without `epoch` or `step` at either end, and how that ranks."""
    if found := SPAN.search(name):
        rest = name[: found.start()] + name[found.end() :]
        return rest, 1 + SPANS.index((found[1] or found[2]).lower())
    return name, 0
