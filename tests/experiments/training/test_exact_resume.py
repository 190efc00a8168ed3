"""Trained straight through, and saved on the way, loaded and trained on elsewhere: the same."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from experiments.core.settings import ROOT
from tests.support.exact_resumes import CASES, CUT, MODELS, OPTIMIZERS, everything, fit


@pytest.fixture(scope="module")
def both_ways(tmp_path_factory):
    """For each case what uninterrupted training came to, and what the resumed one did."""
    folder = tmp_path_factory.mktemp("resumed")
    straight = {}
    for model, optimizer in CASES:
        name = f"{model}-{optimizer}"
        keras.utils.set_random_seed(7)
        made = MODELS[model]()
        made.compile(OPTIMIZERS[optimizer](), "mse")
        straight[name] = everything(made, *fit(made, save=(folder, name)))
    subprocess.run(
        [sys.executable, "-m", "tests.support.exact_resumes", str(folder)], cwd=ROOT, check=True
    )
    resumed = {path.stem: dict(np.load(path)) for path in folder.glob("*.npz")}
    return straight, resumed


@pytest.mark.parametrize("where", ["whole", "mid"])
@pytest.mark.parametrize(("model", "optimizer"), CASES)
def test_resumed_training_equals_uninterrupted_training_to_the_bit(
    both_ways, model, optimizer, where
):
    straight, resumed = both_ways
    name = f"{model}-{optimizer}"
    expected, found = straight[name], resumed[f"{name}-{where}"]
    assert set(expected) == set(found)
    for key, value in expected.items():
        since = value[CUT:] if key.startswith("history") else value
        assert np.array_equal(since, found[key], equal_nan=True), key
