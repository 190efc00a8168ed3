"""Fine-tuning: a saved model as the base, which of its blocks train when, and how fast."""

import json

import keras
import numpy as np
import pytest

from experiments.__main__ import main
from experiments.core.errors import ArtifactError, ModelFileError, RunNotFoundError, SpecError
from experiments.data.loading import load_dataset
from experiments.data.split.splits import split_dataset
from experiments.models.bases import BASE, FEATURES, blocks_to_train
from experiments.models.blocks import blocks_of, find_layer
from experiments.models.building import build_model, model_outline, outline_spec
from experiments.running.inline_launcher import resume_inline, run_inline
from experiments.saving.whole_model import MODEL_FILE, load_model
from experiments.spec.base_files import base_path
from experiments.spec.spec_files import parse_spec
from experiments.tracking.artifacts import fetch_artifact
from experiments.tracking.runs import RunStatus, Tag, get_run
from experiments.tracking.stored_bases import fetch_base, list_bases, store_base
from experiments.training.feature_cache import augmented_features
from experiments.training.phases import Schedule, WarmUp
from experiments.training.training_data import RunData

DIGITS = {"name": "digits", "max_samples": 200}
CNN = {"name": "cnn", "filters": [8, 16], "dense": 16, "batch_norm": True, "dropout": 0.2}


def rows_of(application):
    with keras.StatelessScope(initialize_variables=False):
        network = getattr(keras.applications, application)(weights=None, include_top=False)
        return model_outline(network)


@pytest.mark.parametrize(
    ("application", "names"),
    [
        ("VGG16", ["block1", "block2", "block3", "block4", "block5"]),
        ("MobileNetV2", ["stem", "expanded_conv", *(f"block_{i}" for i in range(1, 17)), "top"]),
        ("InceptionV3", ["stem", *(f"mixed{i}" for i in range(1, 9)), "mixed9_0", "mixed9_1"]),
    ],
)
def test_blocks_are_those_that_the_authors_named(application, names):
    rows = rows_of(application)
    blocks = blocks_of(rows)
    assert [block.name for block in blocks] == names
    assert sum(block.parameters for block in blocks) == sum(row["parameters"] for row in rows)
    assert [layer for block in blocks for layer in block.layers] == [row["name"] for row in rows]
    assert find_layer(rows, names[1]) == blocks[1].first
    assert find_layer(rows, rows[7]["name"]) == 7 and find_layer(rows, "block_99") is None


@pytest.fixture(scope="module")
def store(store_in_use):
    """The module's store."""
    return store_in_use


@pytest.fixture(scope="module")
def pretrained(store):
    """A run on digits whose model is the base of the others."""
    spec = parse_spec({"dataset": DIGITS, "model": CNN, "training": {"epochs": 2}, "seed": 5})
    run_id, status = run_inline(store, spec)
    assert status is RunStatus.FINISHED
    return run_id


def spec_of(run_id, model=None, epochs=2, **parts):
    base = {"name": "saved_base", "run": run_id, "layer": "flat"}
    training = {"epochs": epochs, "optimizer": "sgd", "learning_rate": 0.1}
    data = {"dataset": DIGITS, "model": base | (model or {}), "training": training}
    return parse_spec(data | parts)


def built(store, spec):
    fetch_base(store, spec)
    keras.utils.set_random_seed(spec.seed)
    dataset = load_dataset(spec.dataset, spec.data_seed)
    split = split_dataset(dataset, spec.split, spec.data_seed)
    return build_model(spec, dataset, split), dataset, split


def test_a_saved_base_says_of_raw_samples_what_its_model_does(store, pretrained):
    spec = spec_of(pretrained)
    model, dataset, _ = built(store, spec)
    own = load_model(fetch_artifact(store, pretrained, MODEL_FILE))
    expected = keras.Model(own.input, own.get_layer("flat").output).predict(dataset.x, verbose=0)
    found = keras.Model(model.input, model.get_layer(FEATURES).output)
    np.testing.assert_allclose(found.predict(dataset.x, verbose=0), expected, atol=1e-5)
    assert [row["name"] for row in outline_spec(spec)] == [layer.name for layer in model.layers]
    whole, _, _ = built(store, spec_of(pretrained, {"layer": ""}))
    assert whole.get_layer(BASE).output.shape == (None, 16)  # what goes into the head


def test_a_base_that_does_not_fit_is_refused(store, pretrained):
    with pytest.raises(SpecError, match=r"model\.layer: Unknown layer of the base 'conv_9'"):
        built(store, spec_of(pretrained, {"layer": "conv_9"}))
    with pytest.raises(SpecError, match="takes samples of shape 8 × 8 × 1; the data has 13"):
        built(store, spec_of(pretrained, dataset={"name": "wine"}))
    with pytest.raises(SpecError, match="nothing of the model is left before samples"):
        built(store, spec_of(pretrained, {"layer": "samples"}))
    with pytest.raises(ArtifactError, match="is not on this machine"):
        outline_spec(spec_of("0" * 32))


def test_a_model_of_others_is_kept_once_and_gets_gray_images_as_colors(store, tmp_path):
    layers = keras.layers
    foreign = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Rescaling(1 / 127.5, offset=-1),
            layers.Conv2D(4, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    path = tmp_path / "foreign.keras"
    foreign.save(path)
    run_id, file, name = store_base(store, path)
    assert (store.settings.artifact_root / run_id / "artifacts" / file).is_file()
    assert store_base(store, path) == (run_id, file, name) and list_bases(store)[0].file == file
    spec = spec_of(run_id, {"file": file, "layer": ""})
    model, dataset, _ = built(store, spec)
    images = np.repeat(np.repeat(dataset.x[:9], 2, axis=1), 2, axis=2) / 16 * 255
    found = keras.Model(model.input, model.get_layer("application_input").output)
    fed = found.predict(dataset.x[:9], verbose=0)
    assert fed.shape == (9, 16, 16, 3)
    np.testing.assert_allclose(fed[:, 1:-1:2, 1:-1:2].max(), images.max(), rtol=1e-5)
    np.testing.assert_array_equal(fed[..., 0], fed[..., 2])
    assert model.get_layer(BASE).output.shape == (None, 4)
    (tmp_path / "broken.h5").write_bytes(b"no model")
    broken, file, _ = store_base(store, tmp_path / "broken.h5")
    with pytest.raises(ModelFileError):
        built(store, spec_of(broken, {"file": file}))


def test_a_base_is_brought_once_and_again_when_its_run_went_on(store, pretrained):
    spec = spec_of(pretrained)
    fetch_base(store, spec)
    path = base_path(spec.model)
    born = path.stat().st_ino
    fetch_base(store, spec)
    assert path.stat().st_ino == born
    store.client.set_terminated(pretrained, "FINISHED", end_time=12345)
    fetch_base(store, spec)
    assert path.stat().st_ino != born
    with pytest.raises(RunNotFoundError, match=r"model\.run: there is no run"):
        fetch_base(store, spec_of("0" * 32))


def test_a_base_of_rows_scales_them_itself(store):
    wine = {"name": "wine"}
    mlp = {"name": "mlp", "layers": [8]}
    run_id, _ = run_inline(
        store, parse_spec({"dataset": wine, "model": mlp, "training": {"epochs": 1}})
    )
    model, dataset, _ = built(store, spec_of(run_id, {"layer": ""}, dataset=wine))
    own = load_model(fetch_artifact(store, run_id, MODEL_FILE))
    expected = keras.Model(own.input, own.layers[-1].input).predict(dataset.x, verbose=0)
    found = keras.Model(model.input, model.get_layer(FEATURES).output)
    np.testing.assert_allclose(found.predict(dataset.x, verbose=0), expected, atol=1e-5)


TUNE = {"after": 1, "learning_rate": 0.01}


def test_blocks_train_from_the_end_down_to_the_one_that_is_named(store, pretrained):
    spec = spec_of(pretrained, epochs=6, finetune=TUNE | {"unfreeze_every": 2})
    model, _, _ = built(store, spec)
    parts = blocks_to_train(model)
    assert list(parts) == ["conv_2", "conv_1"] and parts["conv_1"][-1].name == "pool_1"
    assert Schedule(spec, model).borders == {1: "conv_2 trains", 3: "conv_1 trains"}
    trained = []
    schedule = Schedule(spec, model)
    for phase in schedule.left_after(0):
        schedule.enter(phase)
        base = model.get_layer(BASE)
        trained.append({variable.path.split("/")[-2] for variable in base.trainable_variables})
    assert trained == [set(), {"conv_2"}, {"conv_1", "conv_2"}]
    only = spec_of(pretrained, finetune=TUNE | {"from_layer": "conv_2"})
    assert len(Schedule(only, model).blocks) == 1
    with pytest.raises(SpecError, match=r"Unknown layer of the base 'conv_3'.*Choose one of"):
        len(Schedule(spec_of(pretrained, finetune=TUNE | {"from_layer": "conv_3"}), model).blocks)


def test_each_block_learns_at_a_share_of_the_rate_of_the_block_after_it(store, pretrained):
    moved = {}
    for decay in (1.0, 0.25):
        spec = spec_of(pretrained, finetune=TUNE | {"rate_decay": decay})
        model, dataset, split = built(store, spec)
        schedule = Schedule(spec, model)
        phase = schedule.left_after(1)[0]
        schedule.enter(phase)
        schedule.trained(phase, dataset)
        before = {v.path: np.array(v) for v in model.trainable_variables}
        rows = split.train[:32]
        model.train_on_batch(dataset.x[rows], dataset.y[rows])
        for variable in model.trainable_variables:
            name = variable.path.split("/")[-2]
            if variable.path.endswith("kernel"):
                moved[name, decay] = np.abs(np.array(variable) - before[variable.path]).sum()
    for layer, share in (("head", 1.0), ("conv_2", 1.0), ("conv_1", 0.25)):
        assert moved[layer, 0.25] == pytest.approx(share * moved[layer, 1.0], rel=1e-3), layer


def test_the_base_is_in_inference_mode_also_while_all_of_it_trains(store, pretrained):
    spec = spec_of(pretrained, {"layer": "dropout_1"}, finetune=TUNE | {"after": 0})
    model, dataset, _ = built(store, spec)
    schedule = Schedule(spec, model)
    schedule.enter(schedule.left_after(0)[0])
    found = keras.Model(model.input, model.get_layer(FEATURES).output)
    x = dataset.x[:16]
    np.testing.assert_allclose(found(x, training=True), found(x, training=False), atol=1e-6)
    trains = spec_of(pretrained, {"layer": "dropout_1"},
                     finetune=TUNE | {"after": 0, "train_batch_norm": True})  # fmt: skip
    model = built(store, trains)[0]
    found = keras.Model(model.input, model.get_layer(FEATURES).output)
    assert np.abs(found(x, training=True) - found(x, training=False)).max() > 0.01


def test_the_averages_of_batch_normalization_stay_unless_it_is_said_to_train(store, pretrained):
    for trains in (False, True):
        spec = spec_of(pretrained, finetune=TUNE | {"after": 0, "train_batch_norm": trains})
        model, dataset, split = built(store, spec)
        schedule = Schedule(spec, model)
        schedule.enter(schedule.left_after(0)[0])
        norm = model.get_layer(BASE).get_layer("conv_1_norm")
        before = np.array(norm.moving_mean)
        model.train_on_batch(dataset.x[split.train], dataset.y[split.train])
        assert np.array_equal(before, np.array(norm.moving_mean)) == (not trains)


def test_the_learning_rate_rises_batch_by_batch_from_the_epoch_of_fine_tuning_on():
    spec = parse_spec(
        {
            "dataset": DIGITS,
            "model": {"name": "saved_base", "run": "x"},
            "finetune": TUNE | {"warmup_epochs": 2, "learning_rate": 0.8},
        }
    )
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mean_squared_error")
    warm_up = WarmUp(spec.finetune, batches=2)
    warm_up.set_model(model)
    rates = []
    for epoch in range(4):
        warm_up.on_epoch_begin(epoch)
        for batch in range(2):
            warm_up.on_train_batch_begin(batch)
            rates.append(round(float(model.optimizer.learning_rate), 6))
    assert rates == [0.01, 0.01, 0.2, 0.4, 0.6, 0.8, 0.8, 0.8]


AUGMENTED = {"rotation": 0.1, "translation": 0.1, "cached_copies": 2}


def test_the_epochs_take_the_copies_of_augmented_images_in_turn(store, pretrained):
    spec = spec_of(pretrained, {"layer": "conv_2_activation"}, augmentation=AUGMENTED)
    model, dataset, split = built(store, spec)
    copies = augmented_features(store.settings.features, spec, dataset, model)
    n = len(dataset.x)
    assert copies.shape == (2 * n, 16)
    plain = keras.Model(model.input, model.get_layer(FEATURES).output).predict(dataset.x, verbose=0)
    assert np.abs(copies[:n] - plain).max() > 0.01 and np.abs(copies[:n] - copies[n:]).max() > 0.01
    again = augmented_features(store.settings.features, spec, dataset, built(store, spec)[0])
    np.testing.assert_array_equal(again, copies)
    batches = RunData.of(spec, dataset, split).batches(copies=copies)
    for epoch in range(3):
        batches.on_epoch_begin(epoch)
        parts = [tuple(map(np.array, pair)) for pair in batches.batches()]
        x, y = (np.concatenate(part) for part in zip(*parts, strict=True))
        wanted = copies[split.train + n * (epoch % 2)]
        order = np.lexsort(x.T), np.lexsort(wanted.T)
        np.testing.assert_allclose(x[order[0]], wanted[order[1]], atol=1e-6)
        np.testing.assert_array_equal(y[order[0]], dataset.y[split.train][order[1]])


def history_of(store, run_id):
    return json.loads(fetch_artifact(store, run_id, "history.json").read_text())


@pytest.mark.parametrize(
    ("first", "parts"),
    [
        (3, {"finetune": TUNE | {"after": 2, "rate_decay": 0.5, "warmup_epochs": 2}}),
        (2, {"finetune": TUNE | {"unfreeze_every": 1}}),
        (
            2,
            {
                "finetune": TUNE | {"unfreeze_every": 1, "learning_rate": 0.5},
                "callbacks": {
                    "early_stopping": {"patience": 2, "start_from_epoch": 1},
                    "reduce_lr_on_plateau": {"patience": 1, "min_delta": 0.5},
                },
            },
        ),
        (1, {"augmentation": AUGMENTED}),
    ],
    ids=["in a phase", "between two phases", "with callbacks", "on copies"],
)
def test_a_stop_and_resume_changes_nothing(store, pretrained, first, parts):
    spec = spec_of(pretrained, {"dropout": 0.2}, epochs=4, **parts)
    straight, status = run_inline(store, spec)
    assert status is RunStatus.FINISHED
    short = spec.training.model_copy(update={"epochs": first})
    run_id, _ = run_inline(store, spec.model_copy(update={"training": short}))
    assert resume_inline(store, run_id, epochs=4) is RunStatus.FINISHED
    one, other = history_of(store, run_id), history_of(store, straight)
    assert len(other["loss"]) == 4 or "callbacks" in parts
    for name in ("loss", "accuracy", "val_loss", "train_eval_loss", "learning_rate"):
        assert one[name] == other[name], name


@pytest.fixture(scope="module")
def tuned(store, pretrained):
    """A run with that base, which trains too in the second epoch."""
    run_id, _ = run_inline(store, spec_of(pretrained, epochs=2, finetune=TUNE))
    return run_id


def test_the_saved_model_is_whole_and_opens_in_keras_alone(store, tuned):
    path = fetch_artifact(store, tuned, MODEL_FILE)
    x = load_dataset(parse_spec({"dataset": DIGITS}).dataset, 1).x[:8]
    stock, ours = keras.models.load_model(path, compile=False), load_model(path)
    np.testing.assert_allclose(stock.predict(x, verbose=0), ours.predict(x, verbose=0), atol=1e-6)


def test_the_commands_keep_a_file_as_a_base_and_train_from_scratch(store, tuned, tmp_path, capsys):
    path = tmp_path / "mine.keras"
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2)]).save(path)
    assert main(["bases", "add", str(path), "--json"]) == 0
    kept = json.loads(capsys.readouterr().out)
    assert kept["file"] == "base/mine.keras" and kept["run_id"] in {
        one.run_id for one in list_bases(store)
    }
    (tmp_path / "broken.keras").write_bytes(b"PK no zip")
    assert main(["bases", "add", str(tmp_path / "broken.keras")]) == 2
    assert main(["scratch", tuned, "--json"]) == 0
    trained = json.loads(capsys.readouterr().out)
    run = get_run(store, trained["run_id"])
    assert run.status is RunStatus.FINISHED and run.tags[Tag.SCRATCH] == tuned
    assert main(["scratch", trained["run_id"]]) == 2
    assert "from scratch already" in capsys.readouterr().err
