"""What a verdict says to a person: the reason with its numbers, and what to do next."""

from collections.abc import Mapping

from experiments.diagnosis.ruling import Ruling
from experiments.diagnosis.verdict import Label, Number

REASONS = {
    "not_a_number": "{curve} is no longer a number from epoch {broken_from_epoch} on.",
    "exploded": "{curve} shot up from {start} to {end}.",
    "above_start": "{curve} ended at {end}, well above the {start} it began with.",
    "above_constant_predictor": (
        "{curve} ended at {end}, more than twice the {constant_loss} that always predicting the "
        "same would get."
    ),
    "gave_back": (
        "{curve} had come down from {start} to {lowest} and went back up to {end}: training lost "
        "most of what it had learned."
    ),
    "training_jumps": (
        "The training loss jumps about: from one epoch to the next it goes up or down by {jump:%} "
        "and more, so that it is chance where it ends."
    ),
    "validation_jumps": (
        "The validation loss jumps about, by {jump:%} and more from one epoch to the next: the "
        "weights move too far at each step to settle."
    ),
    "no_validation": (
        "There is no validation loss, so nothing shows how the model does on data it has not seen."
    ),
    "validation_never_a_number": "The validation loss was never a number.",
    "too_few_epochs": (
        "Only {validation_points} validation losses were measured; a trend takes at least 5."
    ),
    "too_few_validation_samples": (
        "The validation loss rose by {rise:%} from its lowest level, but with only "
        "{validation_samples} validation samples {rise_needed:%} can be chance."
    ),
    "both_rose": (
        "The validation loss rose by {rise:%} from its lowest level, but the training loss rose "
        "with it, so this is unstable training rather than overfitting."
    ),
    "too_noisy": (
        "The validation loss jumps so much (by about {val_noise} from epoch to epoch, at a level "
        "of {val_end}) that its trend is unclear{from_samples}."
    ),
    "rise": (
        "The validation loss was lowest at about {val_lowest} and ended at {val_end}, {rise:%} "
        "higher{train_went_on}."
    ),
    "gain_lost": (
        "The validation loss came down from {val_start} to about {val_lowest} and went back up to "
        "{val_end}: {gain_lost:%} of what it had gained is lost{train_went_on}."
    ),
    "training_alone": (
        "The training loss fell from {train_start} to {train_end}, but the validation loss never "
        "came down: it began at {val_start} and ended at {val_end}."
    ),
    "little_progress": (
        "The training loss itself only went from {train_start} to {train_end}: the model has not "
        "learned the data it was trained on{of_the_way}."
    ),
    "little_progress_in_validation": (
        "The validation loss only went from {val_start} to {val_end}{of_the_way}, and there is no "
        "training loss that got further."
    ),
    "accuracy_never_left": (
        "After all epochs the model is still wrong on {train_error_rate:%} of its own training "
        "data, hardly less than after the first epoch."
    ),
    "falling": (
        "The validation loss was still falling at the last epoch: at that speed, a quarter more "
        "epochs would add {falling:%} to the improvement so far."
    ),
    "validation_never_moved": (
        "The training loss fell to {train_end}, but the validation loss stayed at {val_end}, "
        "where it began."
    ),
    "noise_is_left": (
        "The training loss only went from {train_start} to {train_end}{of_the_way}, but the "
        "validation loss leveled off at {val_end}, above it: the training samples are learned "
        "further than what carries over to others, so what is left looks like noise in the data."
    ),
    "leveled_off": (
        "The validation loss came down from {val_start} to {val_end} and leveled off without "
        "turning up{wide_gap}."
    ),
}

ADVICE = {
    "not_a_number": (
        "Lower the learning rate by a factor of 10, set clipnorm=1.0 on the optimizer, and check "
        "the data for NaN and for features that are not scaled."
    ),
    "gave_back": (
        "Lower the learning rate or set clipnorm=1.0, and go back to the weights of epoch {best}."
    ),
    "training_jumps": (
        "Lower the learning rate by a factor of 3 to 10, or let it warm up and decay; clipnorm=1.0 "
        "and a larger batch also calm it."
    ),
    "validation_jumps": (
        "Lower the learning rate by a factor of 3 to 10, or let it decay. Where the training loss "
        "is calm, batch normalization (a lower momentum) or a validation set that is too small "
        "may be behind it."
    ),
    "no_validation": "Train with validation data, for example validation_split=0.2.",
    "validation_never_a_number": (
        "Check the validation data for NaN, and that it is prepared like the training data."
    ),
    "too_few_epochs": "Train for more epochs, or validate more often.",
    "too_few_validation_samples": "Use a larger validation split, or cross-validation.",
    "both_rose": "Lower the learning rate, or let it decay, and go back to epoch {best}.",
    "too_noisy": (
        "Use a larger validation split, a lower learning rate or a larger batch; then look again."
    ),
    "rise": (
        "Use the weights of epoch {best} (EarlyStopping with restore_best_weights=True). To get "
        "lower than that: more data or augmentation, dropout or weight decay, or a smaller model."
    ),
    "training_alone": (
        "Check that training and validation data are prepared in the same way and the labels are "
        "right. If they are, nothing that is learned carries over: more data, other features, or "
        "a much smaller model."
    ),
    "little_progress": (
        "Try a higher learning rate, a larger model or less regularization; check that the inputs "
        "are scaled and the labels belong to them."
    ),
    "falling": "Train longer: resume it for at least {more} more epochs.",
    "validation_never_moved": (
        "Check that training and validation data are prepared in the same way and the labels are "
        "right."
    ),
    "noise_is_left": (
        "Keep it: the best weights are those of epoch {best}. A larger network will not get lower; "
        "cleaner labels, more samples or other features may."
    ),
    "leveled_off": (
        "Keep it: the best weights are those of epoch {best}. More epochs of the same will not "
        "help; to get lower, change the model, the data or the learning rate."
    ),
}
SAME_ADVICE = {
    "exploded": "not_a_number",
    "above_start": "not_a_number",
    "accuracy_never_left": "little_progress",
    "little_progress_in_validation": "little_progress",
    "above_constant_predictor": "not_a_number",
    "gain_lost": "rise",
}
# A gap of this part of the validation loss is worth a word even in a good fit.
WIDE_GAP = 0.5


class _Shown(dict[str, object]):
    """Numbers as people read them: four digits, or per cent where asked for with {name:%}."""

    def __missing__(self, name: str) -> str:
        return "an unknown value"


class _Number(float):
    def __format__(self, spec: str) -> str:
        if spec == "%":
            return f"{float(self) * 100:.3g} %"
        return f"{float(self):.4g}"


def reason(ruling: Ruling, unit: str) -> str:
    """One or two sentences with the numbers that fired; `unit` names what the numbers are of."""
    numbers = ruling.numbers
    text = REASONS[ruling.rule].format_map(
        _Shown(
            {name: _Number(v) if isinstance(v, float) else v for name, v in numbers.items()},
            train_went_on=_train_went_on(numbers),
            of_the_way=_of_the_way(numbers),
            wide_gap=_wide_gap(numbers),
            from_samples=_from_samples(numbers),
        )
    )
    if numbers.get("val_accuracy_rise") and ruling.rule == "rise":
        text += (
            " Validation accuracy still rose meanwhile: the model is right more often but too "
            "sure of itself where it is wrong."
        )
    if unit != "loss":
        text = text.replace("validation loss", f"validation {unit}")
        text = text.replace("training loss", f"training {unit}")
    return text[0].upper() + text[1:] if text.startswith("the ") else text


def advice(ruling: Ruling, best: int | None, more: int) -> str:
    """What to do next; `more` is a number of epochs worth adding."""
    rule = SAME_ADVICE.get(ruling.rule, ruling.rule)
    return ADVICE[rule].format(best="the lowest loss" if best is None else best, more=more)


def waste(label: Label, epochs: int, seconds: float | None) -> str:
    """A sentence on the epochs after the best one; none where they cost nothing worth a word."""
    if label != Label.overfitting or epochs < 1:
        return ""
    count = "1 epoch" if epochs == 1 else f"{epochs} epochs"
    taken = f" ({_duration(seconds)})" if seconds else ""
    return f" The {count} after the best one{taken} made it no better."


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _from_samples(numbers: Mapping[str, Number]) -> str:
    samples = numbers.get("validation_samples")
    return f" from {samples} validation samples" if samples else ""


def _train_went_on(numbers: Mapping[str, Number]) -> str:
    end, start = numbers.get("train_end"), numbers.get("train_start")
    if not isinstance(end, float) or not isinstance(start, float) or end >= start:
        return ""
    return f", while the training loss fell to {_Number(end)}"


def _of_the_way(numbers: Mapping[str, Number]) -> str:
    progress, constant = numbers.get("progress"), numbers.get("constant_loss")
    if not isinstance(progress, float):
        return ""
    origin = "from the loss of always predicting the same" if constant else "from its first epoch"
    return f" ({_Number(max(progress, 0.0)):%} of the way {origin} to zero)"


def _wide_gap(numbers: Mapping[str, Number]) -> str:
    train, val = numbers.get("train_end"), numbers.get("val_end")
    if not isinstance(train, float) or not isinstance(val, float) or val <= 0:
        return ""
    if val - train < WIDE_GAP * val:
        return ""
    return f", although it stays well above the training loss of {_Number(train)}"
