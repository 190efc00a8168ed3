from concurrent.futures import ThreadPoolExecutor

from experiments.core.run_folder import RunFolder, read_json, write_json


def test_json_that_is_not_there_is_empty(tmp_path):
    assert read_json(tmp_path / "nothing") == {}
    write_json(tmp_path / "note", {"pid": 1})
    assert read_json(tmp_path / "note") == {"pid": 1}


def test_json_that_is_broken_is_empty(tmp_path):
    (tmp_path / "note").write_bytes(b"\xff\xfe{")
    assert read_json(tmp_path / "note") == {}


def test_a_folder_set_aside_is_kept_under_another_name(tmp_path):
    for _ in range(2):
        folder = RunFolder(tmp_path / "id").create()
        kept = folder.aside
        folder.set_aside()
        assert (kept / "artifacts").is_dir()
        assert RunFolder(kept).is_aside
        assert not folder.path.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["id.unreadable", "id.unreadable.2"]


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
