"""`python -m experiments.foreign.open_command FILE`: load a model file within limits.

The one line on standard output is JSON: ``ok``, ``parameters``, ``notes``, ``error``.
"""

import json
import sys
from pathlib import Path

from experiments.core.errors import ExperimentsError
from experiments.core.process_limits import limit_process
from experiments.foreign.opening import open_model_file

#: Bytes that a file may use on top of what Keras itself takes; and seconds of computing.
MEMORY = 6_000_000_000
SECONDS = 180


def main(path: Path) -> dict[str, object]:
    """Load ``path`` and tell what came of it."""
    limit_process(MEMORY, SECONDS, on_top=True)
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


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
