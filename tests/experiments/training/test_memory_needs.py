"""The memory that a run will need, predicted from its spec."""

import numpy as np
import pytest

from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.storing import store_file
from experiments.spec.spec_files import parse_spec
from experiments.training.memory_needs import measured_peak, predict_peak, samples_bytes


@pytest.fixture
def images(workspace, tmp_path):
    """2,000 images of 32×32×3 bytes: 6.1 MB."""
    x = np.random.default_rng(0).integers(0, 256, (2000, 32, 32, 3), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", x=x, y=np.arange(2000) % 4)
    return store_file(tmp_path / "images.npz", "images", ReadOptions())


def peak(layers=(), **spec):
    return predict_peak(parse_spec(spec), layers)


def test_images_are_counted_as_bytes_and_rows_as_float32(images):
    stored = {"name": images.name}
    assert samples_bytes(parse_spec({"dataset": stored})) == 2000 * 32 * 32 * 3
    cut = parse_spec({"dataset": stored | {"max_samples": 500}})
    assert samples_bytes(cut) == 500 * 32 * 32 * 3
    assert samples_bytes(parse_spec({"dataset": {"name": "wine"}})) == 178 * 13 * 4


def test_samples_that_stream_need_their_budget_in_place_of_copies(images):
    stored = {"name": images.name}
    streamed = peak(dataset=stored | {"memory_mb": 8})
    whole = 3 * samples_bytes(parse_spec({"dataset": stored}))
    assert peak(dataset=stored) - streamed == whole - 1.7 * 8e6
    assert peak(dataset=stored | {"memory_mb": 100}) - streamed == 1.7 * 92e6


def test_a_process_that_imports_tensorflow_itself_needs_more():
    spec = parse_spec({})
    assert predict_peak(spec, (), forked=False) - predict_peak(spec, ()) == 350e6


def test_the_model_counts_by_its_weights_and_by_what_its_layers_put_out():
    dense = [{"parameters": 1_000_000, "output_shape": "(None, 1000)"}]
    assert peak(dense) - peak() == 16_000_000 + 32 * 1000 * 12
    larger = {"training": {"batch_size": 64}}
    assert peak(dense, **larger) - peak(**larger) == 16_000_000 + 64 * 1000 * 12


def test_a_base_counts_by_what_is_kept_of_it():
    inside = [{"parameters": 0, "output_shape": "(None, 50, 20)", "name": "conv"}] * 3
    layers = [
        {"name": "base", "parameters": 1_000_000, "output_shape": "(None, 10)", "inside": inside},
        {"name": "features", "parameters": 0, "output_shape": "(None, 10)"},
    ]
    model = {"model": {"name": "application"}, "dataset": {"name": "digits"}}
    frozen = peak(layers, **model)
    assert frozen - peak(**model) == 8_000_000 + 64 * 3000 * 0.4 + 1797 * 10 * 4
    trains = peak(layers, **model, finetune={"after": 1})
    assert trains - peak(**model) == 16e6 + 32 * (20 * 12 + 3000 * 5) + 1797 * 10 * 4


def test_what_was_needed_never_falls():
    before = measured_peak()
    block = np.ones(60_000_000, np.uint8)
    after = measured_peak()
    del block
    assert before > 10_000_000 and after >= before and measured_peak() >= after
