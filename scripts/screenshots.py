"""Makes the images of the README from real runs in a real browser: `make screenshots`."""

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sklearn.datasets import load_breast_cancer

from experiments.core.settings import ROOT, Settings, read_settings, use_settings
from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.storing import store_file
from experiments.running.queue import end_worker, ensure_worker, submit
from experiments.spec.spec_files import read_spec
from experiments.tracking.runs import get_run
from experiments.tracking.store import Store
from experiments.tracking.stored_datasets import add_dataset
from tests.support.driving import browser_page, dashboard, settle
from tests.support.waiting import wait_for, wait_for_end

IMAGES = ROOT / "docs" / "images"
EXAMPLES = ("diabetes_regression", "breast_cancer_logistic", "digits_cnn", "digits_mlp")
OVERFIT = "overfit_on_purpose"
DROPOUTS = (0.1, 0.3, 0.5, 0.7)


def main() -> None:
    """Train the examples in a workspace of their own, then take an image of each page."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        os.environ["KERASCOPE_HOME"] = home
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        settings = use_settings(read_settings())
        store = Store(settings)
        ensure_worker(settings)
        try:
            runs = {name: train(store, name) for name in (*EXAMPLES, OVERFIT)}
            for share in DROPOUTS:
                runs[f"dropout {share}"] = train(store, OVERFIT, [f"model.dropout={share}"])
            live = submit(store, read_spec(ROOT / "experiments/examples/digits_cnn.yaml",
                                           ["training.epochs=400", "name=longer cnn"]))  # fmt: skip
            wait_for(lambda: get_run(store, live).metrics.get("loss"))
            take_images(settings, runs, add_breast_cancer(store, Path(home)))
        finally:
            end_worker(settings)


def add_breast_cancer(store: Store, folder: Path) -> str:
    """Store scikit-learn's table as somebody would who brings it as a CSV; returns its name."""
    table = load_breast_cancer(as_frame=True)
    frame = table.data.assign(diagnosis=table.target_names[table.target])
    frame.to_csv(folder / "breast cancer.csv", index=False)
    info = store_file(folder / "breast cancer.csv", "breast cancer", ReadOptions())
    return add_dataset(store, info, "breast cancer.csv").name


def train(store: Store, example: str, changes: Sequence[str] = ()) -> str:
    """Train one example and return the run's id."""
    path = ROOT / "experiments" / "examples" / f"{example}.yaml"
    run_id = submit(store, read_spec(path, list(changes)))
    wait_for_end(store, run_id, 600)
    return run_id


def take_images(settings: Settings, runs: dict[str, str], data: str) -> None:
    """One image a page, wide and light; the run's page also narrow, and dark."""
    compared = ",".join(runs[name] for name in (OVERFIT, *(f"dropout {s}" for s in DROPOUTS)))
    pages = {
        "runs": "",
        "launch": "launch",
        "data": f"data?name={data}",
        "run": f"run?run={runs[OVERFIT]}",
        "compare": f"compare?runs={compared}&names=true&lines=validation&lines=test+mode",
        "pretrained": "pretrained?application=ResNet50",
        "models": f"models?run={runs['digits_cnn']}",
    }
    with dashboard(settings) as address:
        for name, scheme, width in (
            *((name, "light", 1280) for name in pages),
            ("run", "dark", 1280),
            ("run", "light", 400),
        ):
            with browser_page(width, 900, scheme) as page:
                page.goto(f"{address}/{pages[name]}")
                settle(page)
                if name == "runs":
                    page.get_by_test_id("stDataFrame").wait_for()
                if name in ("launch", "models"):  # the Keras process answers
                    page.get_by_text("Parameters").first.wait_for()
                if name == "compare":
                    page.locator("[data-drawn-curves]").wait_for()
                page.wait_for_timeout(3000)
                suffix = ("-dark" if scheme == "dark" else "") + ("-narrow" if width < 600 else "")
                page.screenshot(path=str(IMAGES / f"{name}{suffix}.png"))
                print(f"{name}{suffix}.png", flush=True)


if __name__ == "__main__":
    main()
