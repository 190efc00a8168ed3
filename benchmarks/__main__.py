"""`python -m benchmarks [MEASUREMENT …] [--repeats N] [--json]`."""

import argparse
import importlib
import json
import os
import platform
import signal
import sys
from types import FrameType

from benchmarks.workspaces import workspaces

MEASUREMENTS = {
    "launch": "from submit to the first training step",
    "overhead": "what recording adds to each epoch, and how soon and how safely it is recorded",
    "saving": "a large model saved and loaded, a checkpoint each epoch, and the bytes on disk",
    "startup": "from `streamlit run` to the drawn table of runs in Chromium",
    "compare": "many runs: their histories read and drawn; listed, filtered, sorted",
    "memory": "the memory of the dashboard, the worker and a training process",
    "streaming": "data larger than memory: peak memory, samples a second; each reader; an upload",
    "finetune": "a head on cached features of a frozen base; their memory; what transfer brings",
}


def main() -> int:
    """Measure and print."""
    options = _parser().parse_args()
    names = list(MEASUREMENTS) if options.measurement == "all" else [options.measurement]
    for ended in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ended, _leave)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else each start would compile our modules
    os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="2")
    found = {}
    try:
        with workspaces() as places:
            for name in names:
                print(f"{name}: {MEASUREMENTS[name]} …", file=sys.stderr, flush=True)
                sections = importlib.import_module(f"benchmarks.{name}").measure(
                    places, options.repeats
                )
                found[name] = [section.to_dict() for section in sections]
                if not options.json:
                    text = "\n\n".join(section.to_text() for section in sections)
                    print(f"## {name}\n\n{text}\n", flush=True)
    except KeyboardInterrupt:
        return 130
    if options.json:
        print(json.dumps({"machine": _machine(), "repeats": options.repeats, **found}, indent=2))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures Kerascope on this machine; every ratio is of one run.",
    )
    choices = [*MEASUREMENTS, "all"]
    parser.add_argument("measurement", nargs="?", default="all", choices=choices)
    parser.add_argument("--repeats", type=_positive, default=3, help="of each contestant (3)")
    parser.add_argument("--json", action="store_true", help="print JSON, with every repeat")
    return parser


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"received {text!r}; allowed: 1, 2, 3, …")
    return int(text)


def _machine() -> dict[str, object]:
    return {
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def _leave(_signal: int, _frame: FrameType | None) -> None:
    for ended in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ended, signal.SIG_IGN)  # a second one must not cut the cleaning up short
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
