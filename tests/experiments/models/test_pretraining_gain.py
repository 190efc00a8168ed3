"""Transfer for real: digits 5 to 9 from ten samples a class, with and without pretraining."""

import numpy as np

from benchmarks.transfer import (
    A_CLASS,
    SHOTS,
    Lengths,
    fine_tuned,
    pretraining,
    store_digits,
    train_here,
)
from experiments.data.loading import load_dataset
from experiments.data.split.splits import split_dataset
from experiments.diagnosis.from_scratch import from_scratch
from experiments.spec.spec_files import parse_spec

LENGTHS = Lengths(pretraining=25, epochs=40, head=20)


def test_a_pretrained_base_beats_fresh_weights_on_few_samples(store):
    before, after = store_digits()
    run_id, pretrained = train_here(store, parse_spec(pretraining(before, LENGTHS)))
    assert pretrained > 0.95
    tuning = parse_spec(fine_tuned(after, LENGTHS, 1, run_id))
    fresh = from_scratch(tuning)
    splits = []
    for spec in (tuning, fresh):
        dataset = load_dataset(spec.dataset, spec.data_seed)
        split = split_dataset(dataset, spec.split, spec.data_seed)
        assert np.bincount(dataset.y[split.train].reshape(-1)).tolist() == [SHOTS] * 5
        assert len(split.validation) == 5 * (A_CLASS - SHOTS)
        splits.append(split)
    np.testing.assert_array_equal(splits[0].train, splits[1].train)
    accuracies = [train_here(store, spec)[1] for spec in (tuning, fresh)]
    # 800 validation samples: the standard error of a difference is below 0.025
    assert accuracies[0] > accuracies[1] + 0.1, accuracies
    assert accuracies[0] > 0.75
