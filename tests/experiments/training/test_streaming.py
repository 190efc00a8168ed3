"""Samples that stay on disk while a run trains on them."""

import json
import time
from functools import cache

import numpy as np
import pytest

from experiments.core.errors import SpecError
from experiments.core.run_folder import RunFolder, write_json
from experiments.data.dataset_spec import DatasetSpec
from experiments.data.loading import load_dataset
from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.storing import store_file
from experiments.data.samples import StoredSamples
from experiments.data.stored import SAMPLES_FILE, folder_of
from experiments.spec.spec_files import parse_spec
from experiments.training.streaming import StreamedBatches, epoch_pools, stream_in_order
from experiments.training.train import train

ROWS = 50_000


@pytest.fixture(scope="module")
def info(tmp_path_factory):
    """Rows of 16 numbers, of which some are missing, in five blocks of the file."""
    random = np.random.default_rng(0)
    x = random.normal(size=(ROWS, 16)).astype("float32")
    y = (x[:, 0] + x[:, 1] ** 2 > 0.7).astype("int64")
    x[::97, 3] = np.nan
    path = tmp_path_factory.mktemp("data") / "rows.npz"
    np.savez(path, x=x, y=y)
    patch = pytest.MonkeyPatch()
    patch.setenv("KERASCOPE_HOME", str(tmp_path_factory.mktemp("home")))
    patch.setattr("experiments.core.settings._in_use", None)
    yield store_file(path, "rows", ReadOptions())
    patch.undo()


@pytest.fixture
def stored(info):
    """The samples on disk, and the same in memory."""
    x = load_dataset(DatasetSpec(name=info.name), 1).x
    return StoredSamples(folder_of(info.content_hash) / SAMPLES_FILE), x


@pytest.mark.parametrize(
    "rows",
    [slice(None, 10), slice(5, 5), slice(3, 100, 7), np.array([49_999, 0, 17_000, 17_000]),
     np.array([], int), 3, np.arange(ROWS) % 1000 == 1],
    ids=["slice", "empty slice", "steps", "any order", "none", "one", "booleans"],
)  # fmt: skip
def test_stored_samples_are_read_as_an_array_is(stored, rows):
    on_disk, x = stored
    assert on_disk.shape == x.shape and on_disk.nbytes == x.nbytes and on_disk.dtype == x.dtype
    np.testing.assert_array_equal(on_disk[rows], x[rows])


def test_an_epoch_takes_each_row_once_in_an_order_of_its_own():
    rows = np.flatnonzero(np.random.default_rng(1).random(1000) < 0.8)
    first, again, next_ = (
        np.concatenate(list(epoch_pools(rows, 30, 4, seed=5, epoch=epoch))) for epoch in (0, 0, 1)
    )
    np.testing.assert_array_equal(np.sort(first), rows)
    np.testing.assert_array_equal(first, again)
    assert (first != next_).mean() > 0.9
    assert (np.diff(first) == 1).mean() < 0.1


def test_a_pool_holds_rows_of_blocks_from_all_over_the_file():
    pool = next(epoch_pools(np.arange(100_000), 1000, 10, seed=1, epoch=0))
    assert len(pool) == 10_000
    assert len(np.unique(pool // 1000)) == 10
    assert pool.max() - pool.min() > 30_000


@pytest.mark.parametrize("skip", [0, 7, 1249])
def test_batches_are_the_rows_of_the_order_wherever_the_epoch_begins(stored, skip):
    on_disk, x = stored
    y = np.arange(ROWS, dtype=np.float32)[:, None]
    rows = np.arange(0, 40_001)
    batches = StreamedBatches(on_disk, y, rows, 32, seed=3, memory=8_000_000, skip=skip)
    batches.on_epoch_begin(2)
    size = -(-8_000_000 // 4 // (1 << 20)) - 1
    expected = np.concatenate(list(epoch_pools(rows, on_disk.block_rows, size, 3, 2)))
    got = list(batches.batches().as_numpy_iterator())
    assert len(batches) == 1251
    assert [len(b) for _, b in got] == [32] * (1250 - skip) + [1]
    order = np.concatenate([b for _, b in got]).reshape(-1).astype(int)
    np.testing.assert_array_equal(order, expected[skip * 32 :])
    np.testing.assert_array_equal(np.concatenate([a for a, _ in got]), x[order])


def test_validation_comes_in_file_order(stored):
    on_disk, x = stored
    rows = np.arange(3, ROWS, 5)
    batches = stream_in_order(on_disk, np.zeros((ROWS, 1), "f"), rows, 64, 8_000_000)
    assert batches.cardinality() == -(-len(rows) // 64)
    got = np.concatenate([a for a, _ in batches.as_numpy_iterator()])
    np.testing.assert_array_equal(got, x[rows])


def test_the_time_that_is_waited_for_data_is_noticed(stored):
    on_disk, _ = stored

    class Slow(StoredSamples):
        def read(self, rows, into):
            time.sleep(0.2)  # a slow disk
            super().read(rows, into)

    slow = Slow(on_disk._path)
    shares = []
    for x in (slow, on_disk):
        batches = StreamedBatches(x, np.zeros((ROWS, 1), "f"), np.arange(ROWS), 1000, 1, 8_000_000)
        batches.on_epoch_begin(0)
        for _ in batches.batches():
            batches.on_train_batch_end(0)
        logs = {}
        batches.on_epoch_end(0, logs)
        shares.append(logs["data_wait_share"])
    assert shares[0] > 0.5


def _spec(info, memory_mb=None, loop="fit", epochs=2):
    return parse_spec(
        {
            "dataset": {"name": info.name, "memory_mb": memory_mb},
            "split": {"method": "shuffled"},
            "model": {"name": "mlp", "layers": [8], "dropout": 0.2},
            "training": {"epochs": epochs, "batch_size": 256, "loop": loop, "metrics": ["auc"]},
        }
    )


def _train(spec, folder):
    assert train(spec, folder).status == "FINISHED", folder.log.read_text()
    return [json.loads(line)["metrics"] for line in folder.journal.read_text().splitlines()]


def _losses(lines):
    names = ("loss", "auc", "val_loss", "val_auc", "train_eval_loss")
    return [tuple(line[name] for name in names) for line in lines if "loss" in line]


@pytest.fixture(scope="module")
def trained(info, tmp_path_factory):
    """What a run of two epochs writes into its journal, by memory and by loop, each run once."""

    @cache
    def lines_of(memory_mb, loop="fit"):
        folder = RunFolder(tmp_path_factory.mktemp("runs") / f"{memory_mb}-{loop}").create()
        return _train(_spec(info, memory_mb, loop), folder)

    return lines_of


@pytest.mark.parametrize("memory_mb", [None, 8], ids=["in memory", "streamed"])
def test_a_loop_of_train_on_batch_records_the_history_of_fit(trained, memory_mb):
    histories = [_losses(trained(memory_mb, loop)) for loop in ("fit", "train_on_batch")]
    assert len(histories[0]) == 2
    assert histories[0] == histories[1]


def test_a_streamed_run_measures_the_same_data_as_one_in_memory(trained):
    streamed, whole = trained(8), trained(None)
    facts = ("train_samples", "val_samples", "constant_loss")
    first = [next(line for line in lines if "train_samples" in line) for lines in (streamed, whole)]
    assert [first[0][name] for name in facts] == [first[1][name] for name in facts]
    ends = [_losses(lines)[-1] for lines in (streamed, whole)]
    np.testing.assert_allclose(ends[0], ends[1], rtol=0.15)
    assert 0 <= next(line["data_wait_share"] for line in streamed if "loss" in line) <= 1
    assert not any("data_wait_share" in line for line in whole)
    assert all(any("peak_memory_mb" in line for line in lines) for lines in (streamed, whole))


@pytest.mark.parametrize("loop", ["fit", "train_on_batch"])
def test_a_streamed_run_goes_on_in_the_middle_of_an_epoch(
    info, trained, tmp_path, loop, monkeypatch
):
    from experiments.training import callbacks

    uninterrupted = _losses(trained(8, loop))
    cut = RunFolder(tmp_path / "cut").create()
    real = callbacks.Recorder.on_train_batch_end

    def stopping(self, batch, logs=None):
        if self.recorded == 1 and batch == 40:
            self.heartbeat.stop_requested.set()
        real(self, batch, logs)

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.Recorder, "on_train_batch_end", stopping)
        assert train(_spec(info, 8, loop), cut).status == "KILLED"
    resumed = RunFolder(tmp_path / "resumed").create()
    checkpoint = next(cut.artifacts.rglob("last.h5"))
    resumed.start.mkdir(exist_ok=True)
    (resumed.start / "last.h5").write_bytes(checkpoint.read_bytes())
    write_json(resumed.start_note, {"how": "resume", "file": "last.h5", "whose": ""})
    assert train(_spec(info, 8, loop), resumed).status == "FINISHED", resumed.log.read_text()
    lines = [json.loads(line)["metrics"] for line in resumed.journal.read_text().splitlines()]
    assert _losses(lines)[-1] == uninterrupted[-1]


def test_data_that_is_in_no_file_of_its_own_does_not_stream():
    with pytest.raises(SpecError, match=r"memory_mb: received 64 for digits"):
        parse_spec({"dataset": {"name": "digits", "memory_mb": 64}})
