"""What could be changed about a run because of its verdict, and the runs that would tell whether
it helps. docs/remedies.md says how they are compared."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from experiments.core.errors import InputError, unknown
from experiments.data.catalog import Kind, Task
from experiments.diagnosis import Label
from experiments.spec.run_spec import RunSpec
from experiments.spec.spec_files import parse_spec

#: The runs that nothing is changed about, but the seed.
CONTROL = "control"
_OVER, _UNDER = Label.overfitting, Label.underfitting
_MOST_WIDTH = 4096
_MIRRORED = ("cifar10", "cifar100", "fashion_mnist")  # whose mirror images are as real

Changes = dict[str, Any]


class Remedy(NamedTuple):
    """A change of a spec: its ``changes`` by dotted field, and ``why`` it may help.

    ``words`` say what is changed; ``against`` are the verdicts that it is suggested for.
    """

    name: str
    words: str
    changes: Changes
    why: str
    against: tuple[Label, ...]


class PlannedRun(NamedTuple):
    """One run of a comparison: the name of its remedy, or CONTROL, and its seed."""

    remedy: str
    seed: int
    spec: RunSpec


def suggest(spec: RunSpec, label: Label) -> list[Remedy]:
    """The remedies against a verdict that apply to a spec and change something about it."""
    return [remedy for remedy in remedies(spec, label) if label in remedy.against]


def remedies(spec: RunSpec, label: Label) -> list[Remedy]:
    """All remedies that apply to a spec, those against the verdict first; how far some go depends
    on it."""
    found = [made for make in _ALL if (made := make(spec, label))]
    found = [remedy for remedy in found if _changed(spec, remedy.changes) != spec]
    return sorted(found, key=lambda remedy: label not in remedy.against)


def choose(spec: RunSpec, label: Label, names: Iterable[str]) -> list[Remedy]:
    """The remedies of these names; raises InputError for one that does not apply."""
    offered = {remedy.name: remedy for remedy in remedies(spec, label)}
    for name in names:
        if name not in offered:
            raise InputError(unknown("remedy for this run", name, offered))
    return [offered[name] for name in names]


def seeds_for(spec: RunSpec, count: int) -> list[int]:
    """The seeds after the run's own. That one is left out: its run was picked for its verdict, and
    would be compared with runs that were not."""
    return [(spec.seed + number) % 2**31 for number in range(1, count + 1)]


def plan(spec: RunSpec, chosen: Sequence[Remedy], seeds: Sequence[int]) -> list[PlannedRun]:
    """Each remedy and the unchanged spec with each seed, all on the samples of the run itself.

    The seed draws weights, order and dropout; the split and generated samples keep the run's
    (``split.seed``). All start with fresh weights. Seed by seed, so that the first answers come
    early.
    """
    same = {"split.seed": spec.data_seed, "start": None}
    title = spec.title[:150]
    return [
        PlannedRun(
            name,
            seed,
            _changed(
                spec, changes | same | {"seed": seed, "name": f"{title} · {words} · seed {seed}"}
            ),
        )
        for seed in seeds
        for name, words, changes in (
            (CONTROL, "unchanged", {}),
            *((remedy.name, remedy.words, remedy.changes) for remedy in chosen),
        )
    ]


def _dropout(spec: RunSpec, _label: Label) -> Remedy | None:
    now = spec.model.dropout
    rate = round(min(max(now + 0.2, 0.3), 0.6), 2)
    if now >= rate:
        return None
    why = "Silences units at random, so that no unit can rely on a few others."
    return Remedy("dropout", f"dropout {rate:g}", {"model.dropout": rate}, why, (_OVER,))


def _l2(spec: RunSpec, _label: Label) -> Remedy | None:
    """Not for a regression without one: how much is a lot depends on the target's units."""
    now = spec.model.l2
    if now >= 0.1 or (not now and spec.dataset.info.task is Task.REGRESSION):
        return None
    l2 = min(10 * now, 0.1) or 0.001
    why = "Keeps the weights small, and with them how sharply the output can bend."
    return Remedy("l2", f"L2 {l2:g}", {"model.l2": l2}, why, (_OVER,))


def _smaller(spec: RunSpec, _label: Label) -> Remedy | None:
    changes = _scaled(spec, lambda width: max(width // 2, 1))
    why = "A network with fewer weights can memorize fewer samples."
    return Remedy("smaller", "half the width", changes, why, (_OVER,)) if changes else None


def _augmentation(spec: RunSpec, _label: Label) -> Remedy | None:
    if spec.dataset.info.kind is not Kind.IMAGE or spec.augmentation:
        return None
    amounts = {"translation": 0.1, "rotation": 0.05, "zoom": 0.1}
    changes = {"augmentation": amounts | {"flip": spec.dataset.name in _MIRRORED}}
    why = "Shifts, rotates and zooms each image at random: no two epochs see the same images."
    return Remedy("augmentation", "augmentation", changes, why, (_OVER,))


def _more_data(spec: RunSpec, _label: Label) -> Remedy | None:
    """Takes more of the dataset where it was cut, else more of the split for training."""
    info, most = spec.dataset.info, spec.dataset.max_samples
    if most and most < info.samples:
        more = 2 * most if 2 * most < info.samples else None
        words = f"{more or info.samples:,} samples"
        why = "More data is harder to memorize. It validates on different samples."
        return Remedy("more_data", words, {"dataset.max_samples": more}, why, (_OVER,))
    share = round(spec.split.validation_split / 2, 4)
    if share < 0.05 or spec.split.folds or spec.split.method == "given":
        return None
    words = f"validation split {share:g}"
    why = "Half of the validation samples train instead of validating."
    return Remedy("more_data", words, {"split.validation_split": share}, why, (_OVER,))


def _early_stopping(spec: RunSpec, _label: Label) -> Remedy | None:
    if spec.callbacks.early_stopping or not spec.split.validates:
        return None
    why = "Stops near the best epoch and restores its weights."
    changes = {"callbacks.early_stopping": {"patience": max(5, spec.training.epochs // 10)}}
    return Remedy("early_stopping", "early stopping", changes, why, (_OVER,))


def _lower_rate(spec: RunSpec, label: Label) -> Remedy | None:
    far_too_high = label in (Label.diverged, Label.unstable)
    rate = float(f"{spec.training.learning_rate / (10 if far_too_high else 3):.2g}")
    why = "Takes smaller steps: steadier, and slower to learn the noise."
    changes = {"training.learning_rate": rate}
    against = (_OVER, Label.unstable, Label.diverged)
    return Remedy("lower_rate", f"learning rate {rate:g}", changes, why, against)


def _less_dropout(spec: RunSpec, _label: Label) -> Remedy | None:
    now = spec.model.dropout
    rate = 0.0 if now <= 0.25 else round(now / 2, 2)
    why = "All units learn in each step."
    words = f"dropout {rate:g}" if rate else "no dropout"
    return Remedy("less_dropout", words, {"model.dropout": rate}, why, (_UNDER,)) if now else None


def _less_penalty(spec: RunSpec, _label: Label) -> Remedy | None:
    now = {name: getattr(spec.model, name) for name in ("l1", "l2")}
    changes: Changes = {f"model.{name}": value / 10 for name, value in now.items() if value}
    why = "Lets the weights grow as far as the data asks for."
    words = "a tenth of the penalty"
    return Remedy("less_penalty", words, changes, why, (_UNDER,)) if changes else None


def _larger(spec: RunSpec, _label: Label) -> Remedy | None:
    why = "More weights can follow the data more closely."
    if spec.model.name == "linear":
        model = {"model.name": "mlp", "model.layers": [64, 32]}
        return Remedy("larger", "two hidden layers", model, why, (_UNDER,))
    changes = _scaled(spec, lambda width: max(min(2 * width, _MOST_WIDTH), width))
    return Remedy("larger", "twice the width", changes, why, (_UNDER,)) if changes else None


def _no_augmentation(spec: RunSpec, _label: Label) -> Remedy | None:
    if not spec.augmentation:
        return None
    why = "Shows the images as they are."
    return Remedy("no_augmentation", "no augmentation", {"augmentation": None}, why, (_UNDER,))


def _higher_rate(spec: RunSpec, _label: Label) -> Remedy | None:
    rate = float(f"{min(3 * spec.training.learning_rate, 1.0):.2g}")
    if rate <= spec.training.learning_rate:
        return None
    why = "Larger steps get further in the same epochs."
    changes = {"training.learning_rate": rate}
    return Remedy("higher_rate", f"learning rate {rate:g}", changes, why, (_UNDER,))


def _more_epochs(spec: RunSpec, _label: Label) -> Remedy | None:
    epochs = min(2 * spec.training.epochs, 100_000)
    why = "It was still improving, or had not begun to learn."
    against = (_UNDER, Label.still_improving)
    return Remedy("more_epochs", f"{epochs:,} epochs", {"training.epochs": epochs}, why, against)


_ALL: tuple[Callable[[RunSpec, Label], Remedy | None], ...] = (
    _dropout, _l2, _smaller, _augmentation, _more_data, _early_stopping, _lower_rate,
    _less_dropout, _less_penalty, _larger, _no_augmentation, _higher_rate, _more_epochs,
)  # fmt: skip


def _scaled(spec: RunSpec, scale: Callable[[int], int]) -> Changes:
    """All widths of a network scaled; nothing where none changes."""
    model = spec.model.model_dump()
    changes: Changes = {}
    for name in ("layers", "filters", "dense"):
        now = model.get(name)
        if now:
            scaled = [scale(w) for w in now] if isinstance(now, list) else scale(now)
            changes |= {f"model.{name}": scaled} if scaled != now else {}
    return changes


def _changed(spec: RunSpec, changes: Changes) -> RunSpec:
    data = spec.model_dump(mode="json")
    if changes.get("model.name", spec.model.name) != spec.model.name:
        data["model"] = {name: data["model"][name] for name in ("dropout", "l1", "l2")}
    for path, value in changes.items():
        *parents, leaf = path.split(".")
        node = data
        for parent in parents:
            node = node[parent]
        node[leaf] = value
    return parse_spec(data)
