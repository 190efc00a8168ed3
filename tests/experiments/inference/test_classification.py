"""Images classified with the whole head of an application, and by a run."""

import json

import keras
import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from experiments.__main__ import main
from experiments.core.errors import ArtifactError, InputError
from experiments.inference import classification
from experiments.inference.classification import (
    classify_application,
    classify_run,
    time_application,
)
from experiments.models.application_times import known_time
from experiments.running.inline_launcher import run_inline
from experiments.spec.applications import CLASSES_FILE, find_application
from experiments.spec.spec_files import parse_spec

pytestmark = pytest.mark.filterwarnings("ignore:`input_shape` is undefined")


@pytest.fixture(scope="module")
def mobilenet(tmp_path_factory):
    """A whole MobileNetV2 with weights of its own, as a file of Keras' name."""
    keras.utils.set_random_seed(3)
    model = keras.applications.MobileNetV2(weights=None)
    random = np.random.default_rng(0)
    head = model.layers[-1]
    head.set_weights([random.normal(size=w.shape) * 3 for w in head.get_weights()])
    path = tmp_path_factory.mktemp("weights") / find_application("MobileNetV2").files[0].name
    model.save_weights(path.with_suffix(".weights.h5"))
    model.save(path)
    return model, path


@pytest.fixture(scope="module")
def cache(tmp_path_factory, mobilenet):
    """Keras' cache folder with those weights, and nothing to be had from elsewhere."""
    folder = tmp_path_factory.mktemp("keras") / "models"
    folder.mkdir()
    (folder / mobilenet[1].name).write_bytes(mobilenet[1].read_bytes())
    unreachable = CLASSES_FILE._replace(url="http://127.0.0.1:9/", hash="")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_HOME", str(folder.parent))
        patch.setattr(classification, "CLASSES_FILE", unreachable)
        classification._whole.cache_clear()
        yield folder
        classification._whole.cache_clear()


@pytest.fixture
def images(tmp_path):
    """Two photographs; the second one lies on its side and says so."""
    paths = []
    for name in ("china", "flower"):
        image = Image.fromarray(load_sample_image(f"{name}.jpg"))
        path = tmp_path / f"{name}.png"
        if name == "flower":
            exif = Image.Exif()
            exif[0x0112] = 6
            image.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)
        else:
            image.save(path)
        paths.append(str(path))
    return paths


def as_keras_does(model, path):
    image = Image.fromarray(load_sample_image(path))
    side = min(image.size)
    left, above = (image.width - side) / 2, (image.height - side) / 2
    box = (left, above, left + side, above + side)
    image = image.resize((224, 224), Image.Resampling.BILINEAR, box=box)
    x = keras.applications.mobilenet_v2.preprocess_input(np.asarray(image, "float32")[None])
    return model.predict(x, verbose=0)[0]


def test_the_answer_is_that_of_keras_itself(store, cache, images, mobilenet):
    answer = classify_application(store, "MobileNetV2", images)
    for image, name in zip(answer["images"], ("china.jpg", "flower.jpg"), strict=True):
        expected = as_keras_does(mobilenet[0], name)
        best = np.argsort(-expected)[:5]
        assert [one["number"] for one in image["classes"]] == best.tolist()
        found = [one["probability"] for one in image["classes"]]
        np.testing.assert_allclose(found, expected[best], atol=1e-5)
    assert "The names of the classes cannot be downloaded" in answer["notice"]
    assert answer["images"][0]["classes"][0]["name"].startswith("class ")


def test_classes_have_their_names_where_the_file_of_names_is(store, cache, images):
    index = {str(i): [f"n{i:08}", f"thing_{i}"] for i in range(1000)}
    names = cache / CLASSES_FILE.name
    names.write_text(json.dumps(index))
    try:
        answer = classify_application(store, "MobileNetV2", images[:1], top=2)
    finally:
        names.unlink()
    first, second = answer["images"][0]["classes"]
    assert answer["notice"] is None and first["name"] == f"thing {first['number']}"
    assert first["probability"] > second["probability"]


def test_an_image_that_is_none_is_refused_and_the_others_are_answered(
    store, cache, images, tmp_path, capsys
):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG no more")
    paths = [str(tmp_path / "broken.png"), images[0]]
    answer = classify_application(store, "MobileNetV2", paths)
    broken, whole = answer["images"]
    assert "broken.png" in broken["refused"] and len(whole["classes"]) == 5
    assert main(["classify", "MobileNetV2", *paths, "--top", "2", "--json"]) == 2
    said = json.loads(capsys.readouterr().out)
    assert len(said["images"][1]["classes"]) == 2


def test_missing_weights_and_unknown_networks_are_told(store, cache, images, monkeypatch):
    monkeypatch.setattr("keras.src.applications.vgg16.WEIGHTS_PATH", "http://127.0.0.1:9/vgg.h5")
    with pytest.raises(
        ArtifactError, match=r"Looked for .*vgg16_weights.*Without a network connection, save"
    ):
        classify_application(store, "VGG16", images)
    with pytest.raises(InputError, match="Unknown application 'VGG61'"):
        classify_application(store, "VGG61", images)
    with pytest.raises(InputError, match="Received 0 images"):
        classify_application(store, "MobileNetV2", [])


def test_a_run_classifies_images_by_its_own_classes(store, tmp_path):
    spec = {"dataset": {"name": "digits", "max_samples": 200}, "training": {"epochs": 8},
            "model": {"name": "mlp", "layers": [32]}}  # fmt: skip
    run_id, _ = run_inline(store, parse_spec(spec))
    from sklearn.datasets import load_digits

    digits = load_digits()
    path = tmp_path / "digit.png"
    Image.fromarray((digits.images[0] / 16 * 255).astype("uint8")).resize((80, 80)).save(path)
    (image,) = classify_run(store, run_id, [str(path)], top=3)["images"]
    assert image["classes"][0]["name"] == "0" and len(image["classes"]) == 3
    rows, _ = run_inline(
        store, parse_spec({"dataset": {"name": "wine"}, "training": {"epochs": 1}})
    )
    with pytest.raises(InputError, match="does not classify images"):
        classify_run(store, rows, [str(path)])


def test_the_time_for_an_image_is_measured_and_kept(store):
    answer = time_application(store, "MobileNetV2", 32)
    assert answer["milliseconds"] > 0
    assert known_time(store.settings, "MobileNetV2", 32) == answer["milliseconds"]
    with pytest.raises(InputError, match="takes no images of 16 pixels"):
        time_application(store, "MobileNetV2", 16)
