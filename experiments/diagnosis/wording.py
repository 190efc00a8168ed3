"""What a verdict says to a person: the reason with its numbers, and what to do next."""

import math
from collections.abc import Mapping
from typing import Self

from experiments.diagnosis.forecast import Forecast
from experiments.diagnosis.gap_size import GapSize
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
        "The training loss jumps about: from one epoch to the next it goes up or down {jumping} "
        "and more, so that it is chance where it ends."
    ),
    "validation_jumps": (
        "The validation loss jumps about, {jumping} and more from one epoch to the next: the "
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
        "with it, as after a restart or with a learning rate that is too high: no overfitting."
    ),
    "too_noisy": (
        "The validation loss jumps so much (by about {val_noise} from epoch to epoch, at a level "
        "of {val_end}) that its trend is unclear{from_samples}."
    ),
    "rise": (
        "The validation loss was lowest at about {val_lowest} and ended at {val_end}, "
        "{higher}{train_went_on}."
    ),
    "rise_before": (
        "The validation loss was lowest at about {val_lowest} and had risen to {val_end} by epoch "
        "{until_epoch}, {higher}{train_went_on}. After that training itself went off."
    ),
    "gain_lost": (
        "The validation loss came down from {val_start} to about {val_lowest} and went back up to "
        "{val_end}: {lost}{train_went_on}."
    ),
    "above_the_start": (
        "The validation loss began at {val_start} and ended at {val_end}, above it{train_went_on}."
    ),
    "training_alone": (
        "The training loss fell from {train_start} to {train_end}, but the validation loss never "
        "came down: it began at {val_start} and ended at {val_end}."
    ),
    "little_progress": (
        "The training loss itself only went from {train_start} to {train_end}: the model has not "
        "learned the data it was trained on{of_the_way}."
    ),
    "no_progress": (
        "The training loss did not come down: it began at {train_start} and ended at {train_end}."
    ),
    "little_progress_in_validation": (
        "The validation loss only went from {val_start} to {val_end}{of_the_way}, and there is no "
        "training loss that got further."
    ),
    "accuracy_never_left": (
        "After all epochs the model is still wrong on {train_error_rate:%} of its own training "
        "data, hardly less than after the first epoch."
    ),
    "fell_lately": (
        "The validation loss was still coming down: by {recent_fall:%} in the last fifth of the "
        "epochs."
    ),
    "falling": "The validation loss was still falling at the last epoch.",
    "validation_never_moved": (
        "The training loss fell to {train_end}, but the validation loss did not come down: it "
        "began at {val_start} and ended at {val_end}."
    ),
    "hardly_better": (
        "The training loss fell to {train_end}, but the validation loss ended at {val_end}, hardly "
        "below the {untrained_loss} of a model that has learned nothing."
    ),
    "good_from_the_start": (
        "The validation loss was {val_start} after the first epoch, which is low already, and "
        "ended at {val_end}."
    ),
    "noise_is_left": (
        "The training loss only went from {train_start} to {train_end}{of_the_way}, but the "
        "validation loss leveled off at {val_end}, above it: the training samples are learned "
        "further than what carries over to others, so what is left looks like noise in the data."
    ),
    "leveled_off": (
        "The validation loss came down from {val_start} to {val_end} and has leveled off."
    ),
    "slightly_up": (
        "The validation loss came down from {val_start} to about {val_lowest} and has leveled off; "
        "it ended at {val_end}, {higher}, which is too little or too uncertain to be overfitting."
    ),
    "flat": "The validation loss has leveled off: it began at {val_start} and ended at {val_end}.",
    "validation_worthless": "What was measured on these validation samples says nothing.",
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
    "validation_worthless": (
        "Split the data otherwise, stratified or by group, and train again; the split's own page "
        "says how."
    ),
    "validation_never_moved": (
        "Check that training and validation data are prepared in the same way and the labels are "
        "right."
    ),
    "noise_is_left": (
        "Keep it: the best weights are those of epoch {best}. A larger network will not get lower; "
        "cleaner labels, more samples or other features may."
    ),
    "leveled_off": (
        "Keep it: the best weights are those of epoch {best}. To get lower, change the model, the "
        "data or the learning rate."
    ),
}
SAME_ADVICE = {
    "exploded": "not_a_number",
    "above_start": "not_a_number",
    "accuracy_never_left": "little_progress",
    "little_progress_in_validation": "little_progress",
    "above_constant_predictor": "not_a_number",
    "gain_lost": "rise",
    "good_from_the_start": "leveled_off",
}
CLOSE_THE_GAP = (
    "More data or augmentation, dropout or weight decay would bring training and validation closer."
)
GO_ON_FIRST = "It is still coming down, so go on first, for at least {more} more epochs."
# What fell by this part lately is said to have, and a rise by this part is worth a word.
LATELY = 0.02
SLIGHTLY = 0.02
# A validation loss that is still this part of its first value did not come down.
STAYED = 0.95
# A chance that is worth trying.
LIKELY = 0.3
# From this factor on a rise is said in times, and above the other one not in numbers.
TIMES = 3.0
BEYOND_REASON = 1000.0


class _Shown(dict[str, object]):
    """Numbers as people read them: four digits, or per cent where asked for with {name:%}."""

    def __missing__(self, name: str) -> str:
        return "an unknown value"


class _Number(float):
    """A number with four digits, or as many more as it takes to see a difference."""

    digits = 4

    def __new__(cls, value: float, digits: int = 4) -> Self:
        number = super().__new__(cls, value)
        number.digits = digits
        return number

    def __format__(self, spec: str) -> str:
        if spec == "%":
            return f"{float(self) * 100:.3g} %"
        return f"{float(self):.{self.digits}g}"


def _digits(numbers: Mapping[str, Number]) -> int:
    """Digits that tell the losses of a sentence apart: those of a large constant need more."""
    values = [v for k, v in numbers.items() if k.startswith(("val_", "train_")) and k in _LOSSES
              and isinstance(v, float) and math.isfinite(v)]  # fmt: skip
    spread = max(values) - min(values) if values else 0.0
    largest = max(map(abs, values), default=0.0)
    return 4 if spread <= 0 else min(4 + max(0, int(math.log10(largest / spread))), 10)


_LOSSES = (
    "val_start", "val_lowest", "val_end", "train_start", "train_end", "train_at_lowest",
)  # fmt: skip


def reason(ruling: Ruling, unit: str) -> str:
    """One or two sentences with the numbers that fired; `unit` names what the numbers are of."""
    numbers = ruling.numbers
    digits = _digits(numbers)
    text = REASONS[_variant(ruling)].format_map(
        _Shown(
            {k: _Number(v, digits) if isinstance(v, float) else v for k, v in numbers.items()},
            curve=_curve(numbers),
            train_went_on=_train_went_on(numbers),
            of_the_way=_of_the_way(numbers),
            from_samples=_from_samples(numbers),
            higher=_higher(numbers),
            jumping=_jumping(numbers),
            lost=_lost(numbers),
        )
    )
    if numbers.get("val_accuracy_rise") and ruling.label is Label.overfitting:
        text += (
            " Validation accuracy still rose meanwhile: the model is right more often but too "
            "sure of itself where it is wrong."
        )
    text = _in_unit(text, unit)
    return text[0].upper() + text[1:] if text.startswith("the ") else text


def _variant(ruling: Ruling) -> str:
    """Which of the sentences of a rule holds for the numbers."""
    number = {k: v for k, v in ruling.numbers.items() if isinstance(v, int | float)}
    rule = ruling.rule
    if rule == "rise" and "until_epoch" in number:
        return "rise_before"
    if rule == "gain_lost" and number["val_lowest"] >= number["val_start"]:
        return "above_the_start"
    if rule == "little_progress" and number["train_end"] >= number["train_start"]:
        return "no_progress"
    if rule == "falling" and number.get("recent_fall", 0.0) >= LATELY:
        return "fell_lately"
    if rule == "validation_never_moved" and number["val_end"] < STAYED * number["val_start"]:
        return "hardly_better"
    if rule == "leveled_off" and number["val_end"] >= number["val_start"]:
        return "flat"
    if rule == "leveled_off" and number.get("rise", 0.0) >= SLIGHTLY and number["val_lowest"] > 0:
        return "slightly_up"
    return rule


def _in_unit(text: str, unit: str) -> str:
    if unit == "loss":
        return text
    text = text.replace("validation loss", f"validation {unit}")
    return text.replace("training loss", f"training {unit}")


def gap_sentence(gap: GapSize, unit: str) -> str:
    """How large the gap at the best epoch is."""
    text = (
        f"The gap is large: at the best epoch the training loss was {_Number(gap.train)} and the "
        f"validation loss {_Number(gap.val)}, so much of what was learned holds for the training "
        "samples only."
    )
    return _in_unit(text, unit)


def advice(
    ruling: Ruling, best: int | None, more: int, chance: Forecast | None, large_gap: bool
) -> str:
    """What to do next; `more` is a number of epochs worth adding."""
    rule = SAME_ADVICE.get(ruling.rule, ruling.rule)
    said = [ADVICE[rule]]
    if ruling.label is Label.underfitting and chance and chance.chance >= LIKELY:
        said.insert(0, GO_ON_FIRST)
    if chance:
        said.append(chance.sentence)
    if large_gap and ruling.label in (Label.good_fit, Label.still_improving):
        said.append(CLOSE_THE_GAP)
    shown = "the lowest loss" if best is None else best
    return " ".join(said).format(best=shown, more=more)


def waste(label: Label, epochs: int, seconds: float | None) -> str:
    """A sentence on the epochs after the best one; none where they cost nothing worth a word."""
    if label != Label.overfitting or epochs < 1:
        return ""
    count = "1 epoch" if epochs == 1 else f"{epochs} epochs"
    taken = f" ({_duration(seconds)})" if seconds else ""
    return f"The {count} after the best one{taken} made it no better."


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _from_samples(numbers: Mapping[str, Number]) -> str:
    samples = numbers.get("validation_samples")
    return f" from {samples} validation samples" if samples else ""


def _train_went_on(numbers: Mapping[str, Number]) -> str:
    end, before = numbers.get("train_end"), numbers.get("train_at_lowest")
    if not isinstance(end, float) or not isinstance(before, float) or end >= before:
        return ""
    digits = _digits(numbers)
    return (
        f", while the training loss fell from {_Number(before, digits)} to {_Number(end, digits)}"
    )


def _curve(numbers: Mapping[str, Number]) -> str:
    validated = str(numbers.get("curve", "")).startswith("val")
    return "The validation loss" if validated else "The training loss"


def _higher(numbers: Mapping[str, Number]) -> str:
    """How much higher the end is than the lowest, in words; not where that was next to zero."""
    rise = numbers.get("rise")
    if not isinstance(rise, float) or rise > BEYOND_REASON:
        return "far above that"
    return f"{_Number(1 + rise):.3g} times that" if rise > TIMES else f"{_Number(rise):%} higher"


def _jumping(numbers: Mapping[str, Number]) -> str:
    jump = numbers.get("jump")
    if not isinstance(jump, float):
        return ""
    return f"by a factor of {1 + jump:.2g}" if jump > 1 else f"by {_Number(jump):%}"


def _lost(numbers: Mapping[str, Number]) -> str:
    lost = numbers.get("gain_lost")
    if not isinstance(lost, float) or lost > 1:
        return "all that it had gained is lost"
    return f"{_Number(lost):%} of what it had gained is lost"


def _of_the_way(numbers: Mapping[str, Number]) -> str:
    progress, constant = numbers.get("progress"), numbers.get("constant_loss")
    if not isinstance(progress, float):
        return ""
    origin = "from the loss of always predicting the same" if constant else "from its first epoch"
    return f" ({_Number(max(progress, 0.0)):%} of the way {origin} to zero)"
