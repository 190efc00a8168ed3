"""Networks of keras.applications as bases: what goes in, whose weights, which phase trains what."""

import inspect
import json

import keras
import numpy as np
import pytest

from experiments.core.errors import ArtifactError, SpecError
from experiments.core.run_folder import RunFolder
from experiments.data.loading import load_dataset
from experiments.data.split.splits import split_dataset
from experiments.models.bases import BASE, INPUT, input_values
from experiments.models.building import build_model, outline_spec
from experiments.running.inline_launcher import resume_inline, run_inline
from experiments.saving.whole_model import MODEL_FILE, load_model
from experiments.spec.applications import application_names
from experiments.spec.run_spec import RunSpec
from experiments.spec.spec_files import parse_spec
from experiments.tracking.artifacts import fetch_artifact
from experiments.tracking.runs import RunStatus, Tag, get_run
from experiments.training.feature_cache import with_features
from experiments.training.phases import Phase, Schedule, phases_from
from experiments.training.train import train
from experiments.training.training_data import RunData
from tests.support.weight_servers import serving

SMALL = {"name": "application", "application": "MobileNetV2", "alpha": 0.35, "weights": "random"}
#: The application with the fewest layers: what is trained takes half as long to trace.
SMALLEST = {"application": "MobileNet", "alpha": 0.25}
TUNED = SMALLEST | {"dropout": 0.2}
LAST_BLOCK = {"after": 2, "learning_rate": 0.002, "from_layer": "conv_dw_13"}
DIGITS = {"name": "digits", "max_samples": 150}


def spec_of(model=None, epochs=2, **parts) -> RunSpec:
    data = {"dataset": DIGITS, "model": SMALL | (model or {}), "training": {"epochs": epochs}}
    return parse_spec(data | parts)


def built(spec):
    keras.utils.set_random_seed(spec.seed)
    dataset = load_dataset(spec.dataset, spec.data_seed)
    split = split_dataset(dataset, spec.split, spec.data_seed)
    return build_model(spec, dataset, split), dataset, split


def test_every_application_that_keras_has_can_be_named_without_importing_it():
    here = {
        name
        for name, value in vars(keras.applications).items()
        if callable(value) and name[0].isupper()
    }
    assert set(application_names()) == here and len(here) > 35
    assert application_names()[:4] == ("VGG16", "VGG19", "ResNet50", "InceptionV3")


@pytest.mark.parametrize("application", application_names())
def test_pixels_are_brought_to_what_the_network_was_trained_on(application):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (2, 5, 4, 3)).astype("float32")
    module = inspect.getmodule(getattr(keras.applications, application))
    expected = module.preprocess_input(images.copy())
    kernel, bias = input_values(application, 3)
    np.testing.assert_allclose(images / 255 @ kernel[0, 0] + bias, expected, atol=1e-3)
    gray, same = input_values(application, 1)
    expected = module.preprocess_input(np.repeat(images[..., :1], 3, axis=-1))
    np.testing.assert_allclose(images[..., :1] / 255 @ gray[0, 0] + same, expected, atol=1e-3)
    assert input_values(application, 4)[0].shape == (1, 1, 4, 3)


def test_a_saved_model_takes_raw_images_and_opens_in_keras_alone(workspace, tmp_path):
    folder = RunFolder(tmp_path / "run").create()
    assert train(spec_of(SMALLEST, epochs=1), folder).status == "FINISHED"
    path = folder.artifacts / "model/model.h5"
    ours, stock = load_model(path), keras.models.load_model(path, compile=False)
    x = load_dataset(spec_of().dataset, 1).x[:8]
    np.testing.assert_allclose(stock(x, training=False), ours(x, training=False), atol=1e-6)
    assert not ours.get_layer(INPUT).trainable
    kernel, _ = input_values("MobileNet", 1)
    np.testing.assert_array_equal(stock.get_layer(INPUT).get_weights()[0], kernel)


def test_small_images_are_brought_to_what_the_network_takes():
    shapes = {row["name"]: row["output_shape"] for row in outline_spec(spec_of())}
    assert shapes["resize"] == "(None, 32, 32, 1)"
    shapes = {row["name"]: row["output_shape"] for row in outline_spec(spec_of({"size": 64}))}
    assert shapes["resize"] == "(None, 64, 64, 1)" and shapes["features"] == "(None, 1280)"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"model": {"application": "VGG61"}}, "Unknown application 'VGG61'. .*VGG16"),
        ({"dataset": {"name": "wine"}}, "needs images; wine has rows"),
        ({"model": {"name": "cnn"}, "finetune": {}}, "finetune: received one for cnn"),
        ({"finetune": {"after": 2}}, "finetune.after: received 2 of 2 epochs. Allowed: 0 to 1"),
    ],
)
def test_what_does_not_fit_is_refused(parts, said):
    model = parts.pop("model", {})
    model = model if "name" in model else SMALL | model
    with pytest.raises(SpecError, match=said):
        parse_spec({"dataset": DIGITS, "model": model, "training": {"epochs": 2}} | parts)


def test_what_keras_does_not_take_is_told_in_its_words():
    with pytest.raises(SpecError, match="ResNet50, which has one width only"):
        outline_spec(spec_of({"application": "ResNet50", "alpha": 0.5}))
    with pytest.raises(SpecError, match="InceptionV3 cannot be made for images of 32×32"):
        outline_spec(spec_of({"application": "InceptionV3", "alpha": 1.0, "size": 32}))
    spec = spec_of(finetune={"after": 0, "from_layer": "block_99"})
    model, _, _ = built(spec)
    with pytest.raises(SpecError, match="Unknown layer of the base 'block_99'"):
        len(Schedule(spec, model).blocks)


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [(0, [(0, 3, 0), (3, 5, 9)]), (2, [(2, 3, 0), (3, 5, 9)]), (4, [(4, 5, 9)])],
)
def test_the_phases_that_are_left(epoch, expected):
    spec = spec_of(epochs=5, finetune={"after": 3})
    assert phases_from(spec, epoch, 9) == [Phase(*phase) for phase in expected]
    assert phases_from(spec_of(epochs=5), epoch) == [Phase(epoch, 5)]


@pytest.mark.parametrize(
    ("epoch", "blocks", "expected"),
    [
        (0, 3, [(0, 2, 0), (2, 5, 1), (5, 8, 2), (8, 12, 3)]),
        (6, 3, [(6, 8, 2), (8, 12, 3)]),
        (5, 2, [(5, 12, 2)]),
        (0, 99, [(0, 2, 0), (2, 5, 1), (5, 8, 2), (8, 11, 3), (11, 12, 4)]),
    ],
)
def test_gradual_unfreezing_adds_a_block_every_so_many_epochs(epoch, blocks, expected):
    spec = spec_of(epochs=12, finetune={"after": 2, "unfreeze_every": 3})
    assert phases_from(spec, epoch, blocks) == [Phase(*phase) for phase in expected]


def test_only_the_layers_of_a_phase_train():
    spec = spec_of(finetune={"after": 1, "from_layer": "block_16_expand"})
    model, _, _ = built(spec)
    schedule = Schedule(spec, model)
    first, second = schedule.left_after(0)
    schedule.enter(first)
    assert len(model.trainable_variables) == 2  # the head's kernel and bias
    schedule.enter(second)
    trains = [layer.name for layer in model.get_layer(BASE).layers if layer.trainable]
    assert trains[0] == "block_16_expand" and "block_15_project" not in trains
    assert float(model.optimizer.learning_rate) == pytest.approx(1e-5)


def test_training_the_head_on_features_equals_training_with_the_frozen_base_in_place(workspace):
    spec = spec_of(SMALLEST | {"dense": 8, "dropout": 0.2}, epochs=3)
    weights = []
    for cached in (True, False):
        model, dataset, split = built(spec)
        schedule = Schedule(spec, model)
        phase = schedule.left_after(0)[0]
        schedule.enter(phase)
        trained, data = model, dataset
        if cached:
            trained, data, _ = schedule.trained(phase, dataset)
        assert (data.x.ndim == 2) == cached
        batches = RunData.of(spec, data, split).batches()
        trained.fit(
            batches.batches(), epochs=3, shuffle=False, verbose=0, callbacks=[batches],
            validation_data=RunData.of(spec, data, split).validation(),
        )  # fmt: skip
        weights.append([np.array(v) for v in model.trainable_variables])
    for own, other in zip(*weights, strict=True):
        np.testing.assert_allclose(own, other, atol=1e-5)


def test_features_are_computed_once_for_the_same_samples_and_weights(workspace, tmp_path):
    spec = spec_of(SMALLEST)
    model, dataset, _ = built(spec)
    first = with_features(workspace.features, spec, dataset, model)
    home = workspace.home / "features"
    (path,) = home.glob("*.h5")
    born = path.stat().st_ino, path.read_bytes()
    other_head = built(spec_of(SMALLEST | {"dense": 16}))[0]
    again = with_features(workspace.features, spec, dataset, other_head)
    assert (path.stat().st_ino, path.read_bytes()) == born and len(list(home.glob("*.h5"))) == 1
    np.testing.assert_array_equal(first.x, again.x)
    expected = keras.Model(model.input, model.get_layer("features").output).predict(
        dataset.x, verbose=0
    )
    np.testing.assert_allclose(first.x, expected, atol=1e-5)
    with_features(workspace.features, spec, dataset, built(spec.model_copy(update={"seed": 2}))[0])
    assert len(list(home.glob("*.h5"))) == 2


@pytest.fixture(scope="module")
def store(store_in_use):
    """The module's store."""
    return store_in_use


def tuned_spec(epochs):
    callbacks = {"early_stopping": {"patience": 0}}  # counts from the second phase on
    return spec_of(TUNED, epochs, finetune=LAST_BLOCK, callbacks=callbacks)


@pytest.fixture(scope="module")
def tuned(store):
    """A run of three epochs, whose base trains in the last one."""
    run_id, status = run_inline(store, tuned_spec(3))
    assert status is RunStatus.FINISHED, get_run(store, run_id).reason
    return run_id


def history_of(store, run_id):
    return json.loads(fetch_artifact(store, run_id, "history.json").read_text())


def test_a_run_goes_through_both_phases_on_one_axis(store, tuned):
    rates = history_of(store, tuned)["learning_rate"]
    assert [round(rate, 4) for rate in rates] == [0.001, 0.001, 0.002]
    run = get_run(store, tuned)
    assert json.loads(run.tags[Tag.PHASES]) == [[2, "base trains"]]
    model = load_model(fetch_artifact(store, tuned, MODEL_FILE))
    trains = {variable.path.split("/")[-2] for variable in model.trainable_variables}
    assert "conv_dw_13" in trains and "conv_dw_12" not in trains and "head" in trains


def test_a_resumed_run_goes_on_in_its_phase_as_if_it_had_not_stopped(store, tuned):
    assert resume_inline(store, tuned, epochs=4) is RunStatus.FINISHED
    whole, _ = run_inline(store, tuned_spec(4))
    resumed, straight = history_of(store, tuned), history_of(store, whole)
    for name in ("loss", "accuracy", "val_loss", "train_eval_loss", "learning_rate"):
        assert resumed[name] == straight[name], name
    assert len(straight["loss"]) == 4


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Weights of a small MobileNetV2 in a file of the name that Keras asks for."""
    keras.utils.set_random_seed(5)
    base = keras.applications.MobileNetV2((32, 32, 3), alpha=0.35, include_top=False, weights=None)
    name = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"
    path = tmp_path_factory.mktemp("served") / name
    base.save(path)
    return path, base.get_weights()


@pytest.fixture
def weights_server(tmp_path, monkeypatch, published):
    """Serves that file; Keras' own cache is empty."""
    path, weights = published
    cache = tmp_path / "keras"
    cache.mkdir()
    monkeypatch.setenv("KERAS_HOME", str(cache))
    with serving(path.parent) as server:
        address = server.address
        monkeypatch.setattr("keras.src.applications.mobilenet_v2.BASE_WEIGHT_PATH", address)
        yield server, weights, cache / "models" / path.name


@pytest.mark.filterwarnings("ignore:`input_shape` is undefined")
def test_imagenet_weights_are_downloaded_once_into_keras_own_cache(weights_server):
    server, weights, path = weights_server
    for _ in range(2):
        model, _, _ = built(spec_of({"weights": "imagenet"}))
        for own, given in zip(model.get_layer(BASE).get_weights(), weights, strict=True):
            np.testing.assert_array_equal(own, given)
    assert path.is_file() and server.asked.count("GET") == 1
    outline_spec(spec_of({"weights": "imagenet"}))  # a sketch needs no weights
    assert len(server.asked) == 2


@pytest.mark.filterwarnings("ignore:`input_shape` is undefined")
def test_a_download_that_breaks_off_leaves_no_file_and_says_where_to_put_one(weights_server):
    server, _, path = weights_server
    server.breaks = True
    with pytest.raises(
        ArtifactError, match=f"Looked for {path}. Without a network connection, save http"
    ):
        built(spec_of({"weights": "imagenet"}))
    assert not path.exists()


@pytest.mark.filterwarnings("ignore:`input_shape` is undefined")
def test_without_a_network_it_is_told_at_once(weights_server, monkeypatch):
    monkeypatch.setattr(
        "keras.src.applications.mobilenet_v2.BASE_WEIGHT_PATH", "http://127.0.0.1:9/"
    )
    with pytest.raises(ArtifactError, match=r"Or train with model\.weights: random"):
        built(spec_of({"weights": "imagenet"}))


def test_a_file_that_is_not_the_official_one_is_refused_by_its_hash(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    path = tmp_path / "models" / "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    path.write_bytes(b"something else")
    with pytest.raises(ArtifactError, match="is not the file that Keras expects: its md5 is"):
        built(spec_of({"application": "VGG16", "alpha": 1.0, "weights": "imagenet"}))
    assert path.read_bytes() == b"something else"
