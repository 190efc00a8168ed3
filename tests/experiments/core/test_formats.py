"""What files say beyond what is known is passed over; a later format is told in words."""

import json
import logging

import h5py
import pytest

from experiments.core.checkpoint_files import Checkpoint, parse_index
from experiments.core.errors import ArtifactError, DatasetError, WorkerError
from experiments.core.run_folder import RunFolder, note_process, read_process, write_json
from experiments.data.catalog import CATALOG
from experiments.data.dataset_spec import DatasetSpec
from experiments.data.loading import load_dataset
from experiments.data.split.audit import Audit, audit_split
from experiments.data.split.split_spec import SplitSpec
from experiments.data.split.splits import split_dataset
from experiments.data.stored import read_description, write_description
from experiments.diagnosis.histories import NO_POINTS
from experiments.saving.training_state import GROUP, TrainingState, read_state, write_state
from experiments.tracking.history_cache import SUFFIX, HistoryCache

NEWER = "newer Kerascope: received format 2, known up to 1. Update"


def describing(tmp_path, **more):
    path = tmp_path / "dataset.json"
    write_description(CATALOG["digits"], path)
    path.write_text(json.dumps(json.loads(path.read_text()) | more))
    return path


def test_a_description_of_a_dataset(tmp_path):
    assert json.loads(describing(tmp_path).read_text())["format"] == 1
    assert read_description(describing(tmp_path, later="words")) == CATALOG["digits"]
    with pytest.raises(DatasetError, match=NEWER):
        read_description(describing(tmp_path, format=2))


def test_an_index_of_checkpoints():
    row = {"epoch": 1, "batch": 0, "file": "model/model.h5", "roles": ["last"], "bytes": 9}
    whole = [Checkpoint(1, 0, "model/model.h5", ("last",), 9)]
    assert parse_index(json.dumps({"checkpoints": [row]})) == whole
    more = {"format": 1, "later": 0, "checkpoints": [row | {"later": "words"}]}
    assert parse_index(json.dumps(more)) == whole
    with pytest.raises(ArtifactError, match=NEWER):
        parse_index(json.dumps({"format": 2, "checkpoints": {}}))


def test_a_split_audit():
    loaded = load_dataset(DatasetSpec(name="iris"), 1)
    audit = audit_split(loaded, split_dataset(loaded, SplitSpec(), 1))
    stored = json.loads(json.dumps(audit.to_dict()))
    assert stored["format"] == 1
    earlier = {key: value for key, value in stored.items() if key != "format"}
    more = stored | {"later": 1, "order": stored["order"] | {"later": 1}}
    assert Audit.from_dict(stored) == Audit.from_dict(earlier) == Audit.from_dict(more) == audit
    with pytest.raises(DatasetError, match=NEWER):
        Audit.from_dict({"format": 2, "parts": "otherwise"})


def test_a_training_state(tmp_path):
    def stored(**more):
        with h5py.File(tmp_path / "last.h5", "w") as file:
            write_state(file, TrainingState(epoch=3))
            data = json.loads(file[GROUP].attrs["state"]) | more
            file[GROUP].attrs["state"] = json.dumps(data).encode()
            return read_state(file)

    assert stored(later="words").epoch == 3
    with pytest.raises(ArtifactError, match=NEWER):
        stored(version=2)


def test_the_folder_of_a_run_in_progress(tmp_path):
    folder = RunFolder(tmp_path / "id").create()
    assert read_process(folder) == {}
    note_process(folder, supervises_itself=False)
    note = read_process(folder)
    assert note["format"] == 1
    write_json(folder.process, note | {"later": "words"})
    assert read_process(folder)["pid"] == note["pid"]
    write_json(folder.process, note | {"format": 2})
    with pytest.raises(WorkerError, match=NEWER):
        read_process(folder)


def test_histories_of_a_later_format_are_passed_over(tmp_path, caplog):
    HistoryCache(tmp_path).save({"run": "ended"}, {"run": {"loss": NO_POINTS}})
    (kept,) = tmp_path.glob(f"*{SUFFIX}")
    later = kept.rename(kept.with_name(kept.name.replace(".v1.", ".v2.")))
    with caplog.at_level(logging.WARNING):
        assert HistoryCache(tmp_path).load({"run": "ended"}) == {}
    assert later.exists() and not caplog.records
