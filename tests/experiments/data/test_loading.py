"""Datasets: bundled and generated ones in this process, downloads in one of their own."""

import gzip
import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from sklearn import datasets as sklearn_datasets

from experiments.core.settings import ROOT
from experiments.data.catalog import CATALOG, Source, Task
from experiments.data.dataset_spec import DatasetSpec
from experiments.data.downloads import expect_answer, keras_cache
from experiments.data.loading import load_dataset, on_this_machine

LOCAL = [name for name, info in CATALOG.items() if info.source is not Source.DOWNLOAD]
DOWNLOADS = [name for name in CATALOG if name not in LOCAL]


def load(name, seed=1, **options):
    return load_dataset(DatasetSpec(name=name, **options), seed)


@pytest.mark.parametrize("name", LOCAL)
def test_a_dataset_is_what_the_catalog_says(name):
    info, dataset = CATALOG[name], load(name)
    assert dataset.x.shape == (info.samples, *info.shape)
    assert dataset.x.dtype == np.float32
    if info.task is Task.MULTICLASS:
        assert (dataset.y.shape, dataset.y.dtype) == ((info.samples,), np.int32)
    else:
        assert (dataset.y.shape, dataset.y.dtype) == ((info.samples, 1), np.float32)
    if info.classes:
        assert set(dataset.y.reshape(-1).tolist()) == set(range(info.classes))
    assert len(dataset.feature_names) == (0 if name == "digits" else info.shape[0])
    assert dataset.x_test is None and dataset.y_test is None


@pytest.mark.parametrize("name", ["breast_cancer", "wine", "iris"])
def test_class_names_stand_in_the_order_of_scikit_learns_labels(name):
    names = getattr(sklearn_datasets, f"load_{name}")().target_names
    assert CATALOG[name].class_names == tuple(map(str, names))


def test_samples_are_in_raw_units():
    digits, diabetes = load("digits").x, load("diabetes")
    assert (digits.min(), digits.max()) == (0, 16)
    age = diabetes.x[:, diabetes.feature_names.index("age")]
    assert (age.min(), age.max()) == (19, 79)


@pytest.mark.parametrize("name", ["iris", "wine"])
def test_sorted_files_stay_sorted(name):
    labels = load(name).y
    assert np.array_equal(labels, np.sort(labels))


def test_max_samples_takes_the_first_in_file_order():
    whole, part = load("digits"), load("digits", max_samples=100)
    assert np.array_equal(part.x, whole.x[:100]) and np.array_equal(part.y, whole.y[:100])
    assert part.x.base is None, "a view would keep the whole file in memory"


def test_max_samples_beyond_the_file_takes_all():
    assert len(load("iris", max_samples=10_000).x) == 150


def test_content_hash_tells_contents_apart_and_nothing_else():
    assert load("iris").content_hash == load("iris", seed=2).content_hash
    assert load("iris").content_hash != load("iris", max_samples=149).content_hash
    assert load("two_moons").content_hash == load("two_moons").content_hash
    assert load("two_moons").content_hash != load("two_moons", seed=2).content_hash
    assert re.fullmatch("[0-9a-f]{16}", load("iris").content_hash)


def test_two_moons_flips_exactly_the_given_fraction_of_labels():
    clean, noisy = load("two_moons", noise=0), load("two_moons", noise=0.25)
    assert np.array_equal(clean.x, noisy.x)
    assert (clean.y != noisy.y).sum() == 250


def test_two_moons_class_names_fit_the_moons():
    moons = load("two_moons", noise=0)
    heights = [moons.x[moons.y[:, 0] == label, 1].mean() for label in (0, 1)]
    assert moons.info.class_names[int(np.argmax(heights))] == "upper"


def test_importing_the_loader_imports_no_framework():
    code = (
        "import sys, experiments.data.split.splits, experiments.data.loading as loading\n"
        "loading.on_this_machine(loading.DatasetSpec(name='mnist').info)\n"
        "print([m for m in ('keras', 'tensorflow', 'sklearn', 'mlflow') if m in sys.modules])"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "[]"


@pytest.mark.parametrize("name", DOWNLOADS)
def test_a_download_is_on_this_machine_when_all_its_files_are(name, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    info = CATALOG[name]
    for file, _ in info.downloads:
        assert not on_this_machine(info)
        path = tmp_path / "keras" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert on_this_machine(info)


def test_without_keras_home_the_cache_is_in_the_users_home(monkeypatch, tmp_path):
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert keras_cache() == tmp_path / ".keras"


def test_a_server_that_accepts_and_never_answers_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/mnist.npz"
        with pytest.raises(TimeoutError, match=re.escape(f"no answer from {url} within 0.3 s")):
            expect_answer(url, patience=0.3)


# Downloads. Keras reads KERAS_HOME when it is imported, so they are loaded by a process that has
# its own. It is offline: its proxy is a closed port.

DRIVER = """
import inspect, json, os, sys, time
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
import keras
from experiments.data.catalog import CATALOG
from experiments.data.downloads import keras_cache
from experiments.data.loading import load_dataset
from experiments.core.errors import DatasetError
from experiments.data.dataset_spec import DatasetSpec
from keras.src.backend.config import keras_home
sources = {name: inspect.getsource(getattr(keras.datasets, name).load_data)
           for name, info in CATALOG.items() if info.file}
print(json.dumps({"sources": sources, "homes": [keras_home(), str(keras_cache())]}),
      file=answers, flush=True)
for line in sys.stdin:
    started = time.perf_counter()
    try:
        dataset = load_dataset(DatasetSpec(**json.loads(line)), 1)
        answer = {"x": dataset.x.shape, "x_type": dataset.x.dtype.name, "y": dataset.y.tolist(),
                  "y_type": dataset.y.dtype.name, "x_test": dataset.x_test.shape}
    except DatasetError as error:
        answer = {"error": str(error), "seconds": time.perf_counter() - started}
    print(json.dumps(answer), file=answers, flush=True)
"""


class Offline:
    """A process without network that loads datasets; ``home`` is its KERAS_HOME."""

    def __init__(self, folder: Path):
        self.home = folder / "keras"
        self.log = folder / "log"
        environment = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()} | {
            "KERAS_HOME": str(self.home),
            "http_proxy": "http://127.0.0.1:9",
            "https_proxy": "http://127.0.0.1:9",
        }
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-u", "-c", DRIVER],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.facts = self.answer()

    def ask(self, **spec):
        print(json.dumps(spec), file=self.process.stdin, flush=True)

    def answer(self):
        line = self.process.stdout.readline()
        assert line, self.log.read_text()
        return json.loads(line)

    def load(self, **spec):
        self.ask(**spec)
        return self.answer()


@pytest.fixture(scope="module")
def offline(tmp_path_factory):
    offline = Offline(tmp_path_factory.mktemp("offline"))
    yield offline
    offline.process.stdin.close()
    offline.process.wait(30)
    offline.process.stdout.close()


@pytest.fixture
def fashion(offline) -> Path:
    """Fashion-MNIST's four files with 30 and 20 images, put where Keras looks for them."""
    folder = offline.home / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True, exist_ok=True)
    for part, n in (("train", 30), ("t10k", 20)):
        pixels = np.random.default_rng(n).integers(0, 256, n * 784, dtype=np.uint8)
        labels = np.arange(n, dtype=np.uint8) % 10
        put_gz(folder / f"{part}-images-idx3-ubyte.gz", bytes(16) + pixels.tobytes())
        put_gz(folder / f"{part}-labels-idx1-ubyte.gz", bytes(8) + labels.tobytes())
    return folder


def put_gz(path, content):
    path.write_bytes(gzip.compress(content))


@pytest.mark.parametrize("name", DOWNLOADS)
def test_the_catalogs_files_and_hashes_are_those_of_keras(offline, name):
    info, source = CATALOG[name], offline.facts["sources"][name]
    assert re.findall("[0-9a-f]{64}", source) == ([info.sha256] if info.sha256 else [])
    for file, url in info.downloads:
        assert file.rpartition("/")[2].removesuffix("_archive") in source
        assert url.rpartition("/")[0] in source


def test_we_look_where_keras_looks(offline):
    assert offline.facts["homes"] == [str(offline.home)] * 2


def test_a_keras_dataset_keeps_its_bytes_and_its_test_part(offline, fashion):
    answer = offline.load(name="fashion_mnist", max_samples=25)
    assert answer["x"] == [25, 28, 28, 1] and answer["x_type"] == "uint8"
    assert answer["y"] == [i % 10 for i in range(25)] and answer["y_type"] == "int32"
    assert answer["x_test"] == [20, 28, 28, 1]


def test_a_truncated_file_is_named_and_kept(offline, fashion):
    path = fashion / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-100])
    error = offline.load(name="fashion_mnist")["error"]
    assert f"{path} is incomplete or damaged" in error
    assert error.count("incomplete or damaged") == 1
    assert path.exists()


def test_labels_that_are_no_class_are_refused(offline, fashion):
    put_gz(fashion / "train-labels-idx1-ubyte.gz", bytes(8) + bytes(range(30)))
    error = offline.load(name="fashion_mnist")["error"]
    assert "fashion_mnist: received labels from 0 to 29. Expected 0 to 9." in error
    assert str(fashion / "train-images-idx3-ubyte.gz") in error


def test_without_network_the_error_says_what_to_bring_where(offline, fashion):
    path = fashion / "t10k-labels-idx1-ubyte.gz"
    path.unlink()
    answer = offline.load(name="fashion_mnist")
    error = answer["error"]
    assert error.startswith("fashion_mnist cannot be loaded: ")
    assert "Connection refused" in error
    assert (
        f"Looked for {path}. Without a network connection, save https://storage.googleapis.com/"
        in error
    )
    assert error.count("Looked for") == 1, "the three other files are there"
    assert error.endswith(f"Datasets that need no download: {', '.join(LOCAL)}.")
    assert answer["seconds"] < 10
    assert "Downloading fashion_mnist, 30.9 MB, from https://" in offline.log.read_text()


@pytest.mark.parametrize("name", ["mnist", "cifar10", "cifar100", "california_housing"])
def test_without_network_a_wrong_file_is_moved_aside_and_not_lost(offline, name):
    path = offline.home / CATALOG[name].file
    path.parent.mkdir(parents=True, exist_ok=True)
    for content in (b"the first", b"the second"):
        path.write_bytes(content)
        error = offline.load(name=name)["error"]
    first, second = (path.with_name(f"{path.name}.rejected{end}") for end in ("", "-2"))
    assert (first.read_bytes(), second.read_bytes()) == (b"the first", b"the second")
    assert f"it was moved to {second}" in error and CATALOG[name].url in error


def test_only_one_process_at_a_time_reads_what_keras_unpacks_in_place(offline, fashion):
    with FileLock(offline.home / "datasets" / "fashion_mnist.lock"):
        offline.ask(name="fashion_mnist")
        deadline = time.monotonic() + 30
        while "Waiting: another run is downloading fashion_mnist" not in offline.log.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert "error" not in offline.answer()
