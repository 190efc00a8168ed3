"""The Data page: what there is, what is in it, and a file that becomes a dataset."""

from io import BytesIO

import h5py
import numpy as np
import pandas as pd
import pytest

from dashboard.data.dataset_uploads import keep_upload
from dashboard.data.value_spread import feature_figure
from dashboard.runs.run_filters import dataset_labels
from dashboard.shared.dataset_rows import row_table
from experiments.core.errors import DatasetError
from experiments.data.preview import look
from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.storing import store_file
from experiments.data.stored import find_info, stored_names
from experiments.tracking.stored_datasets import add_dataset, list_datasets
from tests.dashboard.conftest import texts


@pytest.fixture
def ship(tmp_path):
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": random.integers(18, 80, 200).astype(float),
            "port": random.choice(["Cherbourg", "Southampton"], 200),
            "fare": random.gamma(2, 20, 200).round(2),
        }
    )
    frame["fate"] = np.where(frame.fare > 40, "lived", "died")
    frame.loc[::9, "age"] = None
    path = tmp_path / "ship.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture
def stored(ship, store):
    info = store_file(ship, "ship", ReadOptions())
    add_dataset(store, info, ship.name)
    return info


def test_without_own_data_the_page_lists_what_comes_along(store, open_page):
    app = open_page("data")
    assert not app.exception
    assert "Add your own" in texts(app)
    assert len(app.dataframe[0].value) == 11


def test_stored_data_is_listed_first_and_opens(stored, open_page):
    app = open_page("data")
    assert app.dataframe[0].value.iloc[0]["Dataset"] == "ship"
    app = open_page("data", name=stored.name)
    assert not app.exception
    assert "from ship.csv" in texts(app)
    assert app.metric[0].value == "200" and app.metric[-1].value == "23"
    rows = app.dataframe[-1].value
    assert set(rows["fate"]) == {"lived", "died"} and set(rows["port"]) <= {
        "Cherbourg", "Southampton"
    }  # fmt: skip


def test_rows_are_shown_as_they_were_in_the_file(stored, ship):
    shown = row_table(stored, look(stored))
    written = pd.read_csv(ship)
    assert list(shown["port"]) == list(written["port"])
    assert list(shown["fate"]) == list(written["fate"])
    np.testing.assert_allclose(shown["age"], written["age"])


def test_images_that_come_along_are_shown_by_class(store, open_page):
    app = open_page("data", name="digits")
    assert not app.exception
    assert app.metric[0].value == "1,797"


def test_unknown_dataset_is_told(store, open_page):
    app = open_page("data", name="gone@0123456789abcdef")
    assert not app.exception
    assert "Add its file again" in app.error[0].value


def test_hosted_page_reads_no_files_of_the_server_unless_told(ship, store, open_page):
    app = open_page("data", add="")
    assert not app.exception and not app.text_input


def test_page_reads_only_below_its_folder(own_machine, store, open_page):
    app = open_page("data", add="")
    app.text_input[0].set_value("../../etc/passwd").run()
    assert not app.exception
    assert "files and folders below" in app.error[0].value


def test_file_on_the_servers_disk_is_looked_at_corrected_and_stored(
    own_machine, ship, store, open_page
):
    app = open_page("data", add="")
    app.text_input[0].set_value(str(ship)).run()
    assert not app.exception and not app.error
    columns = app.dataframe[0].value
    assert dict(zip(columns["Column"], columns["Kind"], strict=True)) == {
        "age": "numeric", "port": "categorical", "fare": "numeric", "fate": "categorical",
    }  # fmt: skip
    assert [metric.value for metric in app.metric] == ["200", "3", "binary", "2"]
    port = next(box for box in app.selectbox if box.label == "Predict")
    port.set_value("port").run()
    assert "The target is 'port'" in texts(app)
    next(button for button in app.button if button.label == "Store").click().run()
    assert not app.exception and not app.error
    (one,) = list_datasets(store)
    assert find_info(one.name).class_names == ("Cherbourg", "Southampton")
    assert "age" in set(app.dataframe[0].value["Feature"])


def test_file_that_is_refused_is_told_and_nothing_is_stored(
    own_machine, tmp_path, store, open_page
):
    path = tmp_path / "ragged.csv"
    path.write_text("a,b,y\n1,2,no\n1,2,3,yes\n")
    app = open_page("data", add="")
    app.text_input[0].set_value(str(path)).run()
    assert not app.exception
    assert "row 2" in app.error[0].value
    assert stored_names() == []


def test_arrays_that_are_not_clear_are_chosen_on_the_page(own_machine, tmp_path, store, open_page):
    path = tmp_path / "many.h5"
    with h5py.File(path, "w") as file:
        for name, array in {
            "scan/pixels": np.ones((20, 4)), "scan/sex": np.arange(20) % 2,
            "scan/age": np.arange(20.0), "doses": np.ones((20, 2)),
        }.items():  # fmt: skip
            file[name] = array
    app = open_page("data", add="")
    app.text_input[0].set_value(str(path)).run()
    assert "not clear which array" in app.error[0].value
    shown = [name.strip() for name in app.dataframe[0].value["Array"]]
    assert shown == ["doses", "scan/", "age", "pixels", "sex"]
    assert not any(button.label == "Store" for button in app.button)
    choose(app, "Predict", "scan/sex")
    choose(app, "From", "scan/pixels")
    assert not app.exception and not app.error
    assert [metric.value for metric in app.metric] == ["20", "4", "binary", "2"]
    next(button for button in app.button if button.label == "Store").click().run()
    assert len(list_datasets(store)) == 1


def test_a_table_whose_last_column_is_no_target_gets_another(
    own_machine, tmp_path, store, open_page
):
    path = tmp_path / "plain.csv"
    path.write_text("a,b,c\n" + "".join(f"{n},{'yn'[n % 2]},same\n" for n in range(20)))
    app = open_page("data", add="")
    app.text_input[0].set_value(str(path)).run()
    assert "same" in app.error[0].value
    choose(app, "Predict", "b")
    assert not app.exception and not app.error
    assert [metric.value for metric in app.metric] == ["20", "1", "binary", "2"]


def test_how_a_text_is_read_can_be_corrected(own_machine, tmp_path, store, open_page):
    path = tmp_path / "plain.csv"
    rows = "".join(f"{n}.234;{'yn'[n % 2]};größer\n" for n in range(1, 9))
    path.write_bytes(f"a;b;c\n{rows}".encode("cp1252"))
    app = open_page("data", add="")
    app.text_input[0].set_value(str(path)).run()
    choose(app, "Predict", "b")
    assert "Text in cp1252, semicolon between fields, names in the first line" in texts(app)
    assert "1.23 to 8.23" in set(app.dataframe[0].value["Range"])
    choose(app, "Numbers", ",")
    assert "decimal commas" in texts(app)
    assert "1,234 to 8,234" in set(app.dataframe[0].value["Range"])
    choose(app, "The first line", "data")
    assert "no names of columns" in texts(app)
    encoding = next(box for box in app.text_input if box.label == "Encoding")
    encoding.set_value("utf-8").run()
    assert "line 2, column 3" in app.error[0].value and not app.exception


def test_dates_that_are_not_clear_are_told_and_corrected(own_machine, tmp_path, open_page):
    path = tmp_path / "dates.csv"
    days = ["03/04/2024", "05/06/2024", "07/08/2024", "09/10/2024"]
    path.write_text("due,a,label\n" + "".join(f"{d},{n},{n % 2}\n" for n, d in enumerate(days)))
    app = open_page("data", add="")
    app.text_input[0].set_value(str(path)).run()
    assert "Read with the month first, because the file does not show which is meant" in texts(app)
    assert "2024-03-04 to 2024-09-10" in set(app.dataframe[0].value["Range"])
    choose(app, "Dates", "day-first")
    assert "Read with" not in texts(app) and not app.exception
    assert "2024-04-03 to 2024-10-09" in set(app.dataframe[0].value["Range"])


def test_columns_are_said_to_be_names_or_numbers_on_the_page(
    own_machine, tmp_path, store, open_page
):
    path = tmp_path / "homes.csv"
    rows = "".join(f"{n / 3},{n % 3},0{n % 4}23,{'yn'[n % 2]}\n" for n in range(40))
    path.write_text(f'size,"kind, as sold",zip,label\n{rows}')
    app = open_page("data", add="")
    app.text_input[0].set_value(str(path)).run()
    boxes = {box.label: box for box in app.multiselect}
    assert boxes["As categories"].options == ["size", "kind, as sold"]
    assert boxes["As numbers"].options == ["zip"]
    assert "such as 0023" in texts(app)
    boxes["As categories"].set_value(["kind, as sold"]).run()
    next(box for box in app.multiselect if box.label == "As numbers").set_value(["zip"]).run()
    assert not app.exception and not app.error
    kinds = app.dataframe[0].value.set_index("Column")["Kind"]
    assert kinds[["size", "kind, as sold", "zip"]].tolist() == ["numeric", "categorical", "numeric"]
    assert "leading zeros" not in texts(app)
    next(button for button in app.button if button.label == "Store").click().run()
    (one,) = list_datasets(store)
    assert find_info(one.name).categories == ((), ("0", "1", "2"), ())


def test_what_columns_are_is_asked_only_where_it_can_be_otherwise(own_machine, tmp_path, open_page):
    path = tmp_path / "plain.csv"
    path.write_text("a,b\n" + "".join(f"{'uvw'[n % 3]},{'pq'[n % 2]}\n" for n in range(20)))
    app = open_page("data", add="")
    app.text_input[0].set_value(str(path)).run()
    assert [box.label for box in app.multiselect] == ["From"] and not app.exception


def choose(app, label, value):
    next(box for box in app.selectbox if box.label == label).set_value(value).run()


def test_dataset_of_the_address_is_in_the_launch_form(stored, open_page):
    for name in (stored.name, stored.name.rpartition("@")[0]):
        app = open_page("launch", dataset=name)
        assert not app.exception and not app.error
        assert app.session_state["launch values"]["dataset.name"] == stored.name
    assert "target: fate, 2 classes" in texts(app)


def test_upload_is_kept_once_by_content(workspace, ship):
    with ship.open("rb") as file:
        first = keep_upload(workspace, {"../my ship!.csv": file})
        again = keep_upload(workspace, {"../my ship!.csv": file})
    assert first == again and first.read_bytes() == ship.read_bytes()
    assert first.name == "my_ship_.csv" and workspace.home in first.parents


def test_arrays_that_are_uploaded_together_are_one_folder(workspace):
    files = {"x.npy": BytesIO(b"x"), "y.npy": BytesIO(b"y")}
    folder = keep_upload(workspace, files)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "x.npy": b"x", "y.npy": b"y",
    }  # fmt: skip
    with pytest.raises(DatasetError, match=r"2 files at once: x\.npy, a\.csv"):
        keep_upload(workspace, {"x.npy": BytesIO(b"x"), "a.csv": BytesIO(b"a")})


def test_features_are_drawn_with_their_spread(stored, open_page):
    app = open_page("data", name=stored.name)
    table = next(one.value for one in app.dataframe if "Spread" in one.value)
    assert sum(table["Spread"].iloc[0]) == 177 and len(table["Spread"].iloc[1]) == 2
    app.selectbox[0].set_value("port").run()
    assert not app.exception


def test_dates_of_a_dataset_are_shown_as_dates(tmp_path, store, open_page):
    path = tmp_path / "visits.csv"
    days = pd.date_range("2024-01-01", periods=90)
    frame = pd.DataFrame({"day": days.strftime("%d.%m.%Y"), "a": range(90)})
    frame.assign(label=frame.a % 2).to_csv(path, index=False)
    info = store_file(path, "visits", ReadOptions())
    add_dataset(store, info, path.name)
    app = open_page("data", name=info.name)
    table = next(one.value for one in app.dataframe if "Spread" in one.value).iloc[0]
    assert (table["Kind"], table["Lowest"], table["Highest"]) == (
        "date", "2024-01-01", "2024-03-30"
    )  # fmt: skip
    assert app.dataframe[-1].value["day"].iloc[:2].tolist() == ["2024-01-01", "2024-01-02"]
    figure = feature_figure(info, look(info).sampled, 0, "day")
    assert figure.data[0].x[0] == "2024-01-01" and not app.exception


def test_copies_are_looked_for_when_they_are_asked_for(tmp_path, store, open_page):
    x = np.random.default_rng(0).normal(size=(60, 3))
    x[7] = x[8]
    np.savez(tmp_path / "c.npz", x=x, y=np.arange(60) % 2)
    info = store_file(tmp_path / "c.npz", "c", ReadOptions())
    add_dataset(store, info, "c.npz")
    assert "repeat another one" not in texts(open_page("data", name=info.name))
    app = open_page("data", name=info.name, copies="true")
    assert not app.exception
    said = texts(app)
    assert "**1** samples repeat another one exactly" in said and "at most one" in said
    table = next(one.value for one in app.dataframe if "row" in one.value)
    assert list(table["row"]) == [7, 8]


def test_a_dataset_is_renamed_and_runs_still_find_it_by_its_old_name(stored, open_page, store):
    app = open_page("data", name=stored.name)
    title = next(one for one in app.text_input if one.label == "Name")
    title.set_value("RMS Titanic").run()
    next(one for one in app.button if one.label == "Rename the dataset").click().run()
    assert not app.exception
    name = f"RMS_Titanic@{stored.content_hash}"
    assert [one.name for one in list_datasets(store)] == [name]
    assert app.subheader[0].value == "RMS Titanic" and f"`{name}`" in texts(app)
    assert find_info(name).title == find_info(stored.name).title == "RMS Titanic"


def test_a_name_without_a_letter_is_refused(stored, open_page, store):
    app = open_page("data", name=stored.name)
    next(one for one in app.text_input if one.label == "Name").set_value("…").run()
    next(one for one in app.button if one.label == "Rename the dataset").click().run()
    assert "Give it a letter" in app.error[0].value
    assert [one.name for one in list_datasets(store)] == [stored.name]


def test_versions_lead_to_each_other(stored, ship, open_page, store):
    pd.read_csv(ship).iloc[:150].to_csv(ship, index=False)
    older, info = stored, store_file(ship, "ship", ReadOptions())
    add_dataset(store, info, ship.name)
    titles = open_page("data").dataframe[0].value["Dataset"]
    assert list(titles[:2]) == ["ship", "ship (older)"]
    app = open_page("data", name=older.name)
    newest = next(one for one in app.button if "150 samples (newest)" in one.label)
    newest.click().run()
    assert not app.exception and app.query_params["name"] in (info.name, [info.name])


def test_runs_are_filtered_by_what_users_call_their_data():
    names = ["iris", "old_name@11112222", "ship@33334444", "ship@55556666"]
    titles = {"11112222": "Patients 2024", "33334444": "ship", "55556666": "ship"}
    assert dataset_labels(names, titles) == {
        "iris": "iris",
        "old_name@11112222": "Patients 2024",
        "ship@33334444": "ship · 333344",
        "ship@55556666": "ship · 555566",
    }
    assert dataset_labels(["gone@99998888"], {}) == {"gone@99998888": "gone"}
