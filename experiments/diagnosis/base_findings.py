"""What goes wrong when a pretrained network is fine-tuned, found in a spec and in a history."""

from collections.abc import Mapping, Sequence
from typing import Any

from experiments.core.findings import Action, Finding, Severity
from experiments.spec.applications import find_application
from experiments.spec.model_specs import ApplicationSpec, BaseSpec, SavedBaseSpec
from experiments.spec.run_spec import RunSpec
from experiments.spec.training_specs import FinetuneSpec

_HEAD_EPOCHS = 5
_RATE_SHARE = 10  # fine-tuning is slower than the head's training by at least so much
_FAR = 2  # times larger or smaller than what a network was trained on
_STILL_FALLS = 0.05  # of the loss, in an epoch: a head that has not converged


def find_in_spec(
    spec: RunSpec, base: Mapping[str, Any] | None = None, trained_on: int | None = None
) -> list[Finding]:
    """What speaks against a spec with a base, worst first; nothing for one without.

    ``base`` is bases.describe_base's answer, ``trained_on`` the side of the images that the
    application was trained on, where they are known.
    """
    if not isinstance(spec.model, BaseSpec):
        return []
    known = base or {}
    found = [*_about_weights(spec, known), *_about_data(spec, known, trained_on)]
    if spec.finetune and spec.model.weights != "random":
        found += _about_phases(spec, spec.finetune, known)
    return sorted(found, key=lambda finding: -finding.severity)


def trained_on(spec: RunSpec) -> int | None:
    """The side of the images that a spec's application was trained on, in pixels, if known."""
    if not isinstance(spec.model, ApplicationSpec):
        return None
    found = find_application(spec.model.application)
    return found.side if found else None


def find_in_history(spec: RunSpec, losses: Sequence[float]) -> list[Finding]:
    """Whether the base of a run began to train before its head had converged.

    ``losses`` are the training losses of its epochs.
    """
    tune = spec.finetune
    if tune is None or (spec.model.name == "application" and spec.model.weights == "random"):
        return []
    if not 2 <= tune.after <= len(losses):
        return []
    before, last = losses[tune.after - 2], losses[tune.after - 1]
    if not before > 0 or last > before * (1 - _STILL_FALLS):
        return []
    fell = f"{100 * (before - last) / before:.0f} %"
    later = min(2 * tune.after, spec.training.epochs - 1)
    return [
        Finding(
            Severity.NOTE,
            "The base started to train before the head had converged",
            f"In the last epoch of the head alone the loss still fell by {fell}. Large errors of "
            "an unfinished head change the base more than its images do.",
            *Action(f"{later} epochs of the head alone", {"finetune.after": later}),
        )
    ]


def _about_weights(spec: RunSpec, base: Mapping[str, Any]) -> list[Finding]:
    tune = spec.finetune
    if spec.model.weights != "random":  # type: ignore[union-attr]
        return []
    if tune is None or tune.after:
        return [
            Finding(
                Severity.SERIOUS,
                "A frozen base of random weights",
                "The head would learn from the output of a network that has learned nothing. "
                "Train the base from the first epoch on, or take pretrained weights.",
                *Action("training the base from the first epoch on", scratch_changes(spec)),
            )
        ]
    if base.get("normalizes", True) and not tune.train_batch_norm:
        return [
            Finding(
                Severity.WARNING,
                "Batch normalization of a fresh network never learns",
                "Its averages stay at 0 and 1, so nothing is normalized.",
                *Action("training batch normalization", {"finetune.train_batch_norm": True}),
            )
        ]
    return []


def _about_data(spec: RunSpec, base: Mapping[str, Any], trained_on: int | None) -> list[Finding]:
    found = []
    pixels = base.get("pixels") or getattr(spec.model, "size", None)
    if pixels and trained_on and isinstance(spec.model, ApplicationSpec):
        if not trained_on / _FAR <= pixels <= trained_on * _FAR and spec.model.weights != "random":
            found.append(
                Finding(
                    Severity.WARNING,
                    f"Images of {pixels} pixels a side, for a network of {trained_on}",
                    "The edges and textures that it knows have a different size there. Larger "
                    "images are resized in the model, and take longer.",
                    *Action(f"{trained_on} pixels a side", {"model.size": trained_on}),
                )
            )
    if base.get("own_head"):
        found.append(
            Finding(
                Severity.WARNING,
                "The base ends in a head for other classes",
                "This run would learn only from the base's answers about its own classes.",
                *Action("a cut before its head", {"model.layer": ""}),
            )
        )
    if not base.get("scales", True):
        found.append(
            Finding(
                Severity.WARNING,
                "The pixel range that the base was trained on is unknown",
                "It has no scaling layer, so it receives pixels from 0 to 1. If its training "
                "images had another maximum pixel value, such as 255, say so.",
            )
        )
    return found


def _about_phases(spec: RunSpec, tune: FinetuneSpec, base: Mapping[str, Any]) -> list[Finding]:
    found = []
    if not tune.after:
        later = min(_HEAD_EPOCHS, spec.training.epochs - 1)
        found.append(
            Finding(
                Severity.WARNING,
                "The base trains from the first epoch on",
                "The head is random at first, and its large errors destroy what the base knows. "
                "Let the head converge alone first.",
                *(Action(f"{later} epochs of the head alone", {"finetune.after": later})
                  if later else Action()),
            )
        )  # fmt: skip
    if tune.learning_rate > spec.training.learning_rate / _RATE_SHARE:
        rate = spec.training.learning_rate / 100
        found.append(
            Finding(
                Severity.WARNING,
                "The base learns about as fast as the head",
                f"{tune.learning_rate:g} against {spec.training.learning_rate:g}: what the base "
                "knows is overwritten within a few steps.",
                *Action(f"{rate:g}", {"finetune.learning_rate": rate}),
            )
        )
    if tune.train_batch_norm and base.get("normalizes", True):
        found.append(
            Finding(
                Severity.WARNING,
                "Batch normalization of a pretrained base trains",
                "Its averages move to those of your batches, which are worse than its own if "
                "samples are few or batches small.",
                *Action("batch normalization left as it is", {"finetune.train_batch_norm": False}),
            )
        )
    return found


def scratch_changes(spec: RunSpec) -> dict[str, str | float | None]:
    """What makes a spec train its base without any pretraining, by dotted field."""
    assert isinstance(spec.model, ApplicationSpec | SavedBaseSpec)
    return {
        "model.weights": "random",
        "finetune.after": 0,
        "finetune.from_layer": "",
        "finetune.learning_rate": spec.training.learning_rate,
        "finetune.unfreeze_every": None,
        "finetune.rate_decay": 1.0,
        "finetune.warmup_epochs": 0,
        "finetune.train_batch_norm": True,
        "augmentation.cached_copies": None,
    }
