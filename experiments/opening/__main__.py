"""`python -m experiments.opening FILE`: load a model file within limits, and say how it went.

The one line on standard output is JSON: ``ok``, ``parameters``, ``notes``, ``error``.
"""

import json
import os
import resource
import sys
from pathlib import Path

from experiments.errors import ExperimentsError
from experiments.opening import open_model_file

#: Bytes that a file may use on top of what Keras itself takes; and seconds of computing.
MEMORY = 6_000_000_000
SECONDS = 300


def main(path: Path) -> dict[str, object]:
    """Load ``path`` and tell what came of it."""
    limit_process(MEMORY, SECONDS)
    try:
        opened = open_model_file(path)
    except ExperimentsError as error:
        return {"ok": False, "parameters": None, "notes": [], "error": str(error)}
    except MemoryError:
        said = f"{path.name} needs more than {MEMORY:,} bytes of memory."
        return {"ok": False, "parameters": None, "notes": [], "error": said}
    return {
        "ok": True,
        "parameters": opened.model.count_params(),
        "notes": list(opened.notes),
        "error": None,
    }


def limit_process(memory: int, seconds: int) -> None:
    """Refuse this process more than ``memory`` bytes on top of what it has, more than ``seconds``
    of computing, and core dumps."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limits = {
        resource.RLIMIT_AS: pages * os.sysconf("SC_PAGE_SIZE") + memory,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_CORE: 0,
    }
    for what, value in limits.items():
        _, hard = resource.getrlimit(what)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(what, (value, value))


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
