"""The presets that the page offers: examples of the library, in the order in which they stand."""

from typing import NamedTuple

from experiments.core.settings import ROOT
from experiments.spec.run_spec import RunSpec
from experiments.spec.spec_files import load_spec


class Preset(NamedTuple):
    """A spec worth starting from, and what it shows."""

    title: str
    text: str
    spec: RunSpec


def _preset(title: str, example: str) -> Preset:
    """An example of the library; its first line says what it shows."""
    text = (ROOT / "experiments" / "examples" / f"{example}.yaml").read_text(encoding="utf-8")
    return Preset(title, text.splitlines()[0].removeprefix("# "), load_spec(text))


PRESETS = (
    _preset("Digits MLP", "digits_mlp"),
    _preset("Overfit on purpose", "overfit_on_purpose"),
    _preset("CNN on digits", "digits_cnn"),
    _preset("Two moons with noise", "two_moons"),
    _preset("Logistic regression", "breast_cancer_logistic"),
    _preset("Diabetes regression", "diabetes_regression"),
)
