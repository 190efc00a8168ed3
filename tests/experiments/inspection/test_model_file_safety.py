"""Model files that are refused before Keras sees them, each for one sentence that says why."""

import json
import os
import pickle
import stat
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from experiments.cli.inspect_child import answer_in_child
from experiments.core.errors import ModelFileError
from experiments.inspection import checked_hdf5, file_limits, yaml_configs
from experiments.inspection.file_inspection import look


def small_model() -> keras.Model:
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="first")], name="small")
    model.compile("adam", "mean_squared_error")
    return model


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    """A folder with small.h5, small.keras and small.weights.h5."""
    folder = tmp_path_factory.mktemp("saved")
    small_model().save(folder / "small.h5")
    small_model().save(folder / "small.keras")
    small_model().save_weights(folder / "small.weights.h5")
    return folder


@pytest.fixture
def h5(saved, tmp_path) -> Path:
    path = tmp_path / "small.h5"
    path.write_bytes((saved / "small.h5").read_bytes())
    return path


def refused(path: Path, said: str) -> None:
    with pytest.raises(ModelFileError, match=said) as caught:
        look(path)
    message = str(caught.value)
    assert path.name in message and "\n" not in message


# Configs


def refuse_config(tmp_path: Path, config: dict, said: str) -> None:
    """The config is refused as JSON, in .h5 and in .keras alike."""
    text = json.dumps(config)
    (tmp_path / "model.json").write_text(text)
    refused(tmp_path / "model.json", said)
    with h5py.File(tmp_path / "model.h5", "w") as file:
        file.attrs["model_config"] = text
        file.create_group("model_weights").attrs["layer_names"] = np.array([b""])[:0]
    refused(tmp_path / "model.h5", said)
    small_model().save(tmp_path / "source.keras")
    repack(tmp_path / "source.keras", tmp_path / "model.keras", {"config.json": text})
    refused(tmp_path / "model.keras", said)


def repack(source: Path, target: Path, replaced: dict[str, str | bytes]) -> None:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in dict.fromkeys([*old.namelist(), *replaced]):
            new.writestr(name, replaced[name] if name in replaced else old.read(name))


def model_with(layer: dict) -> dict:
    return {"class_name": "Sequential", "config": {"name": "m", "layers": [layer]}}


def dense(**settings: object) -> dict:
    return {"class_name": "Dense", "config": {"name": "d", "units": 1, **settings}}


LAMBDA = {"class_name": "Lambda", "config": {"name": "evil", "function": ["4wEAAA==", None, None]}}


def test_a_lambda_is_refused_wherever_it_nests(tmp_path):
    wrapped = {"class_name": "TimeDistributed", "config": {"name": "t", "layer": LAMBDA}}
    nested = model_with(model_with(wrapped))
    for config in (model_with(LAMBDA), model_with(wrapped), nested):
        refuse_config(tmp_path, config, r"\('evil'\) is a Lambda, which runs code")


@pytest.mark.parametrize(
    "kind",
    ["TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer", "TFSMLayer", "TorchModuleWrapper",
     "JaxLayer", "FlaxLayer", "__lambda__"],
)  # fmt: skip
def test_the_kin_of_lambda_is_refused(tmp_path, kind):
    for module in (None, "keras.layers"):
        layer = {"class_name": kind, "module": module, "config": {"name": "evil"}}
        refuse_config(tmp_path, model_with(layer), f"is a {kind}, which runs code")


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ({"class_name": "Mine", "config": {}}, "the class 'Mine', which is not Keras' own"),
        ({"class_name": "Dense", "module": "os", "config": {}}, "'Dense' of 'os'"),
        ({"class_name": "system", "module": "os", "config": {}}, "'system' of 'os'"),
        (
            {"class_name": "get_file", "module": "keras.utils", "config": {}},
            "'get_file' of 'keras.utils'",
        ),
        (
            {"class_name": "DataFrameIterator", "module": "keras.src.legacy", "config": {}},
            "'DataFrameIterator' of 'keras.src.legacy'",
        ),
        ({"class_name": "__typespec__", "config": []}, "'__typespec__'"),
        ({"class_name": "TypeSpec", "type_spec": "x"}, "'TypeSpec'"),
        ({"class_name": ["Dense"], "config": {}}, "class_name is"),
        (
            dense() | {"module": "keras.layers", "registered_name": "mine>Dense"},
            "'mine>Dense', registered outside Keras",
        ),
        (dense(activation="my_activation"), r"activation is 'my_activation', which Keras does"),
        (dense(kernel_initializer="mine"), "kernel_initializer is 'mine'"),
        (dense(bias_regularizer="mine"), "bias_regularizer is 'mine'"),
        (dense(kernel_constraint="mine"), "kernel_constraint is 'mine'"),
        (
            dense(activation={"class_name": "function", "module": "os", "config": "system"}),
            "the function 'system' of 'os'",
        ),
        (
            dense(
                activation={
                    "class_name": "function",
                    "module": "keras.utils",
                    "config": "get_file",
                    "registered_name": "get_file",
                }
            ),
            "the function 'get_file' of 'keras.utils'",
        ),
        (
            dense(activation={"class_name": "function", "module": "builtins", "config": "eval"}),
            "the function 'eval' of 'builtins'",
        ),
        (
            dense(kernel_initializer={"class_name": "Mine", "config": {}}),
            "kernel_initializer names the class 'Mine'",
        ),
        (dense(dtype={"class_name": "MyPolicy", "config": {}}), "the class 'MyPolicy'"),
        (
            dense(x={"class_name": "__numpy__", "config": {"value": [], "dtype": "S999999999"}}),
            "the dtype 'S999999999'",
        ),
        (
            {"class_name": "StringLookup", "config": {"vocabulary": "/etc/passwd"}},
            "vocabulary is '/etc/passwd', which Keras would read from disk",
        ),
    ],
)
def test_what_is_not_keras_own_is_refused_and_named(tmp_path, layer, said):
    refuse_config(tmp_path, model_with(layer), said)


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ({"loss": "my_loss"}, r"training_config\.loss is 'my_loss'"),
        ({"loss": {"out": ["mse", "my_loss"]}}, r"loss\.out\[1\] is 'my_loss'"),
        ({"metrics": [["acc", "mine"]]}, r"metrics\[0\]\[1\] is 'mine'"),
        ({"optimizer_config": {"class_name": "Mine", "config": {}}}, "the class 'Mine'"),
        (
            {
                "optimizer_config": {
                    "class_name": "Adam",
                    "config": {"learning_rate": {"class_name": "MySchedule", "config": {}}},
                }
            },
            "learning_rate names the class 'MySchedule'",
        ),
        (
            {"metrics": [{"class_name": "MeanMetricWrapper", "config": {"fn": "mine"}}]},
            "fn is 'mine'",
        ),
    ],
)
def test_the_training_config_is_looked_at_too(h5, training, said):
    with h5py.File(h5, "a") as file:
        file.attrs["training_config"] = json.dumps(training)
    refused(h5, said)


def test_a_compile_config_is_looked_at_too(saved, tmp_path):
    with zipfile.ZipFile(saved / "small.keras") as archive:
        config = json.loads(archive.read("config.json"))
    config["compile_config"]["loss"] = "my_loss"
    repack(saved / "small.keras", tmp_path / "m.keras", {"config.json": json.dumps(config)})
    refused(tmp_path / "m.keras", r"compile_config\.loss is 'my_loss'")


def test_a_config_that_is_no_json_or_nests_absurdly_is_refused(h5, tmp_path):
    for text, said in (
        ("{not json", "model_config is not valid JSON"),
        ("[" * 100_000, "nests deeper"),
        ('{"class_name": "Sequential", "config": ' + "[" * 500 + "]" * 500 + "}", "nests deeper"),
        ('{"name": 1}', "does not describe a Keras model"),
        ("[1]", "is a JSON list"),
    ):
        with h5py.File(h5, "a") as file:
            file.attrs["model_config"] = text
        refused(h5, said)
        path = tmp_path / "model.json"
        if text.startswith("{"):
            path.write_text(text)
            refused(path, said.removeprefix("model_config "))


# YAML


def test_yaml_tags_of_python_are_refused_by_name(tmp_path):
    path = tmp_path / "model.yaml"
    path.write_text("class_name: Sequential\nconfig: !!python/object/apply:os.system ['true']\n")
    refused(path, r"line 2: the tag !!python/object/apply:os\.system is refused")


def test_the_tuples_of_keras_2_are_read_as_lists(tmp_path):
    path = tmp_path / "model.yaml"
    path.write_text(
        "class_name: Sequential\nconfig:\n- class_name: Dense\n  config:\n    name: d\n"
        "    units: 1\n    batch_input_shape: !!python/tuple [null, 4]\n"
    )
    assert [layer.name for layer in look(path).layers] == ["d"]


def test_aliases_that_multiply_are_refused(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    path = tmp_path / "model.yaml"
    path.write_text("\n".join(lines))
    refused(path, f"grows to more than {yaml_configs.MAX_YAML_VALUES:,} values")
    path.write_text("class_name: Sequential\nconfig: &c [*c]\n")
    refused(path, "nests deeper")


# HDF5


def test_links_out_of_an_hdf5_file_are_refused(h5):
    with h5py.File(h5, "a") as file:
        file["model_weights/out"] = h5py.ExternalLink("/etc/secret.h5", "/x")
    refused(h5, "model_weights/out is an external link to '/etc/secret.h5'")
    with h5py.File(h5, "a") as file:
        del file["model_weights/out"]
        file["model_weights/soft"] = h5py.SoftLink("/nowhere")
    refused(h5, "model_weights/soft is a soft link to '/nowhere'")


def test_hard_links_that_make_a_cycle_are_refused(h5):
    with h5py.File(h5, "a") as file:
        file["model_weights/first/loop"] = file["model_weights"]
    refused(h5, "is linked more than once")


def test_storage_outside_the_file_is_refused(h5, tmp_path):
    (tmp_path / "raw").write_bytes(bytes(16))
    with h5py.File(h5, "a") as file:
        file.create_dataset("x", (4,), "f4", external=[("raw", 0, 16)])
    refused(h5, "/x has its storage in another file, 'raw'")
    with h5py.File(h5, "a") as file:
        del file["x"]
        layout = h5py.VirtualLayout((4,), "f4")
        layout[:] = h5py.VirtualSource("other.h5", "y", (4,))
        file.create_virtual_dataset("x", layout)
    refused(h5, "/x is a virtual dataset")


@pytest.mark.parametrize("settings", [{}, {"chunks": (1000, 1000), "compression": "gzip"}])
def test_declared_sizes_are_summed_before_anything_is_allocated(h5, settings):
    with h5py.File(h5, "a") as file:
        for number in range(5):
            file.create_dataset(f"x{number}", (30_000, 20_000), "f4", **settings)
    refused(h5, r"declares more than 8\.0 GB of arrays")


def test_arrays_that_hold_next_to_nothing_are_refused(h5):
    with h5py.File(h5, "a") as file:
        file.create_dataset("x", (30_000, 10_000), "f4", chunks=True, compression="gzip")
    refused(h5, r"declares 1\.2 GB but stores")


def test_too_many_objects_are_refused(h5, monkeypatch):
    monkeypatch.setattr(checked_hdf5, "MAX_OBJECTS", 50)
    with h5py.File(h5, "a") as file:
        for number in range(60):
            file.create_group(f"model_weights/g{number}")
    refused(h5, "more than 50 groups and datasets")


def test_arrays_of_texts_and_references_are_refused(h5):
    with h5py.File(h5, "a") as file:
        file["x"] = ["text"]
    refused(h5, "/x holds object, allowed: arrays of numbers")


def test_a_large_attribute_is_refused(h5, monkeypatch):
    monkeypatch.setattr(checked_hdf5, "MAX_CONFIG_BYTES", 1000)
    with h5py.File(h5, "a") as file:
        file.attrs["padding"] = np.zeros(2000, "u1")
    refused(h5, "the attribute 'padding' has 2.0 KB")


def test_names_of_what_is_not_there_are_refused(h5):
    with h5py.File(h5, "a") as file:
        file["model_weights/first"].attrs["weight_names"] = [b"small/first/kernel", b"gone"]
    refused(h5, "lists a weight 'gone', which is not there")
    with h5py.File(h5, "a") as file:
        file["model_weights"].attrs["layer_names"] = [b"gone"]
    refused(h5, "lists 'gone', which is not there")


@pytest.mark.parametrize("name", ["small.h5", "small.weights.h5", "small.keras"])
def test_cut_off_files_are_refused_at_whatever_byte(saved, tmp_path, name):
    whole = (saved / name).read_bytes()
    path = tmp_path / name
    for size in (9, 100, 600, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        refused(path, "cut off|damaged|no known kind|HDF5")


@pytest.mark.parametrize("name", ["small.h5", "small.weights.h5", "small.keras"])
def test_no_damaged_byte_brings_anything_but_a_refusal(saved, tmp_path, name):
    whole = bytearray((saved / name).read_bytes())
    path = tmp_path / name
    generator = np.random.default_rng(0)
    for _ in range(60):
        damaged = whole.copy()
        for place in generator.integers(0, len(whole), 5):
            damaged[place] = generator.integers(256)
        path.write_bytes(damaged)
        try:
            # HDF5 itself may hang or crash over a damaged file, so that is in a child.
            answer_in_child(path, lambda: look(path).to_dict(), seconds=10)
        except ModelFileError as error:
            assert "\n" not in str(error)
            assert "cannot be read" not in str(error), "an error that nobody had thought of"


# Archives


def archive(path: Path, saved: Path, change: object) -> Path:
    path.write_bytes((saved / "small.keras").read_bytes())
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as opened:
        change(opened)
    return path


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../evil", "leads out of the archive"),
        ("assets/../../evil", "leads out of the archive"),
        ("/etc/evil", "leads out of the archive"),
        ("C:/evil", "leads out of the archive"),
        ("assets\\evil", "leads out of the archive"),
        ("model.weights.npz", "is a NumPy archive"),
        ("evil.py", "is not one that Keras writes"),
        ("assets/x.npz", "is a NumPy archive"),
    ],
)
def test_members_with_other_names_are_refused(saved, tmp_path, name, said):
    path = archive(tmp_path / "m.keras", saved, lambda opened: opened.writestr(name, "x"))
    refused(path, said)


def test_members_that_are_links_twice_there_or_encrypted_are_refused(saved, tmp_path):
    link = zipfile.ZipInfo("assets/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = archive(tmp_path / "m.keras", saved, lambda opened: opened.writestr(link, "/etc"))
    refused(path, "is a link or a device")
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive(tmp_path / "m.keras", saved, lambda opened: opened.writestr("config.json", "{}"))
    refused(path, "'config.json' appears twice")
    content = bytearray((saved / "small.keras").read_bytes())
    content[content.rfind(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    refused(path, "is encrypted")


def test_a_member_that_unpacks_to_far_more_is_refused(saved, tmp_path):
    bomb = bytes(100_000_000)
    path = archive(tmp_path / "m.keras", saved, lambda opened: opened.writestr("assets/x", bomb))
    refused(path, r"'assets/x' declares 100\.0 MB but stores")


def test_the_weights_inside_an_archive_are_scanned(saved, tmp_path):
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["layers"] = h5py.ExternalLink("/etc/secret.h5", "/x")
    content = (tmp_path / "w.h5").read_bytes()
    repack(saved / "small.keras", tmp_path / "m.keras", {"model.weights.h5": content})
    refused(tmp_path / "m.keras", r"model\.weights\.h5: /layers is an external link")


# What else was received


def test_other_files_are_told_what_they_are(tmp_path):
    (tmp_path / "empty.h5").touch()
    refused(tmp_path / "empty.h5", "is empty")
    (tmp_path / "notes.txt").write_text("just a text")
    refused(tmp_path / "notes.txt", "a text without an architecture")
    (tmp_path / "model.pkl").write_bytes(pickle.dumps({"a": 1}))
    refused(tmp_path / "model.pkl", "is a pickle")
    with zipfile.ZipFile(tmp_path / "model.pt", "w") as opened:
        opened.writestr("archive/data.pkl", b"")
    refused(tmp_path / "model.pt", "is a PyTorch file")
    np.savez(tmp_path / "arrays.npz", x=np.ones(2))
    refused(tmp_path / "arrays.npz", "an archive of NumPy arrays")
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").touch()
    refused(tmp_path / "saved", "a SavedModel folder of TensorFlow")
    (tmp_path / "noise").write_bytes(bytes(range(256)))
    refused(tmp_path / "noise", "a binary file of no known kind")
    with h5py.File(tmp_path / "table.h5", "w") as file:
        file["table"] = np.ones(3)
    refused(tmp_path / "table.h5", "is HDF5 but not a Keras model: it holds table")
    refused(tmp_path / "missing.h5", "There is no file")
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "is not a file but a device or a pipe")


def test_the_limits_are_said_in_units_for_people():
    assert file_limits.size_text(999) == "999 bytes"
    assert file_limits.size_text(8 * file_limits.GB) == "8.0 GB"
    assert file_limits.size_text(10**30) == "10^30 bytes"
