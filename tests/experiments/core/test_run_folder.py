import math
from concurrent.futures import ThreadPoolExecutor

from experiments.core.journal import Journal, journal_history, read_journal
from experiments.core.run_folder import RunFolder, read_json, write_json


def test_a_journal_gives_back_what_was_written(tmp_path):
    with Journal(tmp_path / "j") as journal:
        journal.write({"loss": 1.5}, epoch=0)
        journal.write({"constant_loss": 2.0}, params={"a": "b"}, tags={"c": "d"})
    first, second = read_journal(tmp_path / "j")[0]
    assert (first.epoch, first.metrics) == (0, {"loss": 1.5})
    assert (second.epoch, second.params, second.tags) == (None, {"a": "b"}, {"c": "d"})


def test_reading_goes_on_where_it_ended(tmp_path):
    with Journal(tmp_path / "j") as journal:
        journal.write({"loss": 1.0}, epoch=0)
        _, offset = read_journal(tmp_path / "j")
        journal.write({"loss": 0.5}, epoch=1)
    entries, _ = read_journal(tmp_path / "j", offset)
    assert [entry.epoch for entry in entries] == [1]


def test_a_line_that_was_cut_off_by_a_kill_is_left_out(tmp_path):
    path = tmp_path / "j"
    with Journal(path) as journal:
        journal.write({"loss": 1.0}, epoch=0)
    with path.open("ab") as file:
        file.write(b'{"time": 1, "epoch": 1, "metr')
    entries, offset = read_journal(path)
    assert len(entries) == 1
    assert offset < path.stat().st_size


def test_a_history_has_none_where_a_value_is_broken_or_missing(tmp_path):
    with Journal(tmp_path / "j") as journal:
        journal.write({"loss": math.nan}, epoch=0)
        journal.write({"loss": math.inf, "val_loss": 2.0}, epoch=1)
    assert journal_history(tmp_path / "j") == {"loss": [None, None], "val_loss": [None, 2.0]}


def test_json_that_is_not_there_is_empty(tmp_path):
    assert read_json(tmp_path / "nothing") == {}
    write_json(tmp_path / "note", {"pid": 1})
    assert read_json(tmp_path / "note") == {"pid": 1}


def test_creating_a_folder_forgets_an_earlier_try(tmp_path):
    folder = RunFolder(tmp_path / "id").create()
    folder.stop.touch()
    assert not folder.create().stop.exists()


def test_two_threads_may_write_the_same_file(tmp_path):
    def write(number: int) -> None:
        for _ in range(300):
            write_json(tmp_path / "heartbeat.json", {"by": number})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert read_json(tmp_path / "heartbeat.json")["by"] in range(4)
    assert [path.name for path in tmp_path.iterdir()] == ["heartbeat.json"]
