"""What Keras offers, and its weight files: found, brought and downloaded without Keras."""

import hashlib
import json
from pathlib import Path

import keras
import numpy as np
import pytest

from experiments.__main__ import main
from experiments.core.errors import ArtifactError, InputError
from experiments.core.keras_compat import files_from
from experiments.models.application_times import known_time, remember_time
from experiments.models.weight_files import add_weight_file, download, is_here, place_of
from experiments.spec.applications import (
    CLASSES_FILE,
    FACTS_FILE,
    WeightFile,
    application_names,
    find_application,
    list_applications,
    other_keras,
)
from scripts.application_facts import facts_of
from tests.support.weight_servers import serving

CONTENT = bytes(range(256)) * 20_000


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "keras" / "models"


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "weights.h5").write_bytes(CONTENT)
    with serving(folder) as running:
        yield running


MD5 = hashlib.md5(CONTENT).hexdigest()


def file_at(server, digest=MD5):
    return WeightFile("weights.h5", f"{server.address}weights.h5", digest, top=True)


def test_the_facts_are_of_the_installed_keras_and_of_all_its_applications():
    facts = json.loads(FACTS_FILE.read_text())
    assert facts["keras"] == keras.__version__ and other_keras() is None
    assert tuple(one.name for one in list_applications()) == application_names()


@pytest.mark.filterwarnings("ignore:`input_shape` is undefined")
@pytest.mark.parametrize("name", ["VGG16", "MobileNetV2", "InceptionV3"])
def test_the_facts_are_what_keras_says(name):
    rows = json.loads(FACTS_FILE.read_text())["applications"]
    assert next(row for row in rows if row["name"] == name) == facts_of(name)


def test_well_known_numbers_are_among_the_facts():
    vgg, inception = find_application("VGG16"), find_application("InceptionV3")
    assert (vgg.parameters, vgg.base_parameters, vgg.depth) == (138_357_544, 14_714_688, 16)
    assert (inception.side, inception.least_side, vgg.least_side) == (299, 75, 32)
    assert vgg.files[1].name == "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    assert find_application("VGG61") is None


def test_a_download_tells_how_far_it_is_and_is_done_once(cache, server):
    told = []
    file = file_at(server)
    assert not is_here(file)
    path = download(file, lambda done, total: told.append((done, total)))
    assert path == cache / "weights.h5" and path.read_bytes() == CONTENT and is_here(file)
    assert told[0] == (0, len(CONTENT)) and told[-1] == (len(CONTENT), len(CONTENT))
    assert len(told) > 3
    download(file)
    assert server.asked.count("GET") == 1


def test_a_download_that_breaks_off_leaves_nothing_and_says_what_to_bring(cache, server):
    server.breaks = True
    with pytest.raises(
        ArtifactError, match=f"Looked for {cache / 'weights.h5'}. Without a network connection"
    ):
        download(file_at(server))
    assert [path.name for path in cache.iterdir() if path.suffix == ".h5"] == []


def test_another_content_than_keras_expects_is_not_kept(cache, server):
    with pytest.raises(ArtifactError, match=r"its md5 is .*, expected is 0{32}"):
        download(file_at(server, "0" * 32))
    assert not (cache / "weights.h5").exists()


def test_without_a_network_it_is_told_at_once(cache):
    file = WeightFile("weights.h5", "http://127.0.0.1:9/weights.h5", "", top=True)
    with pytest.raises(ArtifactError, match="The ImageNet weights cannot be downloaded"):
        download(file)


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_a_file_is_known_by_its_content_whatever_it_is_called(cache, tmp_path, kind):
    digest = hashlib.new(kind, CONTENT).hexdigest()
    files = [
        WeightFile("other.h5", "", "1" * 32, top=True),
        WeightFile("vgg.h5", "", digest, top=False),
    ]
    (tmp_path / "download (1).h5").write_bytes(CONTENT)
    found = add_weight_file(tmp_path / "download (1).h5", files=files)
    assert found.file == files[1] and found.path == cache / "vgg.h5"
    assert found.path.read_bytes() == CONTENT


def test_a_file_of_another_content_is_refused_also_under_the_right_name(cache, tmp_path):
    vgg = find_application("VGG16").files[1]
    (tmp_path / vgg.name).write_bytes(b"something else")
    with pytest.raises(InputError, match=f"with md5 {vgg.hash}: this one is damaged or another"):
        add_weight_file(tmp_path / vgg.name)
    (tmp_path / "cat.h5").write_bytes(b"something else")
    with pytest.raises(InputError, match=r"None of the 81 files of keras\.applications has that"):
        add_weight_file(tmp_path / "cat.h5")
    with pytest.raises(InputError, match="There is no file"):
        add_weight_file(tmp_path / "nothing.h5")
    assert not cache.exists()


def test_where_keras_knows_no_hash_the_name_tells(cache, tmp_path):
    file = find_application("MobileNetV2").files[1]
    assert file.hash == ""
    (tmp_path / file.name).write_bytes(b"weights")
    found = add_weight_file(tmp_path / file.name)
    assert (found.application, found.path) == ("MobileNetV2", place_of(file))


def test_what_was_measured_is_kept_for_this_keras(workspace):
    assert known_time(workspace, "VGG16", 224) is None
    remember_time(workspace, "VGG16", 224, 39.5)
    remember_time(workspace, "VGG16", 96, 9.5)
    assert (known_time(workspace, "VGG16", 224), known_time(workspace, "VGG16", 96)) == (39.5, 9.5)


def test_the_commands_list_show_and_bring(cache, tmp_path, capsys):
    assert main(["applications", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == len(application_names()) and rows[0]["name"] == "VGG16"
    assert main(["applications", "show", "ResNet50", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [file["here"] for file in shown["files"]] == [False, False]
    assert Path(shown["files"][0]["path"]).parent == cache
    assert main(["applications", "show", "ResNet51"]) == 2
    file = find_application("MobileNetV2").files[0]
    (tmp_path / file.name).write_bytes(b"weights")
    (tmp_path / "cat.h5").write_bytes(b"no weights")
    arguments = ["applications", "add", str(tmp_path / file.name), str(tmp_path / "cat.h5")]
    assert main([*arguments, "--json"]) == 2
    added = json.loads(capsys.readouterr().out)
    assert [row["accepted"] for row in added] == [True, False]
    assert main(["applications", "download", "MobileNetV2"]) == 0  # it is here
    assert capsys.readouterr().out.strip() == str(place_of(file))


def test_the_file_of_class_names_is_the_one_that_keras_asks_for(monkeypatch):
    asked = []

    def tell(name, url, **options):
        asked.append((name, url, options["file_hash"]))
        raise FileNotFoundError

    monkeypatch.setattr("keras.src.applications.imagenet_utils.CLASS_INDEX", None)
    with files_from(tell), pytest.raises(FileNotFoundError):
        keras.applications.imagenet_utils.decode_predictions(np.zeros((1, 1000)))
    assert asked == [CLASSES_FILE[:3]]
