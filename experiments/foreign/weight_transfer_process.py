"""Weights into the architecture of a file that somebody else may have made.

`python -m experiments.foreign.weight_transfer_process WEIGHTS INTO [OUT.h5]` builds the network in
a process of its own, within limits, and prints one line of JSON: the plan, or ``error``.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from experiments.core.errors import ExperimentsError, ModelFileError
from experiments.core.settings import python_command, settings_in_use

#: Seconds on the clock; the process itself is limited in seconds of computing.
PATIENCE = 600


def transplant_into_file(weights: Path, into: Path, out: Path | None) -> dict[str, Any]:
    """The plan, as Plan.to_dict; with ``out`` the model is written there, as a whole-model .h5.

    Layers that the weights do not fit keep what ``into`` has; an optimizer begins anew, since its
    slots belong to the weights that were there before. Raises ModelFileError for files that are
    refused, where no layer fits ``out``'s model, and where the limits were not enough.
    """
    files = [str(path.absolute()) for path in (weights, into, out) if path]
    try:
        result = subprocess.run(
            python_command("experiments.foreign.weight_transfer_process", *files),
            env=settings_in_use().environment(),
            stdout=subprocess.PIPE, timeout=PATIENCE, check=False,
        )  # fmt: skip
        answer: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    except (subprocess.TimeoutExpired, IndexError, ValueError):
        raise ModelFileError(
            f"{into.name} could not be built within the limits of memory and time. Name a smaller "
            "network."
        ) from None
    if "error" in answer:
        raise ModelFileError(answer["error"])
    return answer


def main(weights: Path, into: Path, out: Path | None) -> dict[str, Any]:
    """What ``transplant_into_file`` says, in this very process, which is limited for good."""
    from experiments.core.process_limits import limit_process
    from experiments.foreign.open_command import MEMORY, SECONDS
    from experiments.foreign.opening import open_model_file
    from experiments.foreign.weight_transfer import plan_transplant, transplant
    from experiments.saving.whole_model import save_model

    limit_process(MEMORY, SECONDS, on_top=True)
    try:
        model = open_model_file(into).model
        if out is None:
            return plan_transplant(weights, model).to_dict()
        plan = transplant(weights, model)
        if config := model.get_compile_config():
            model.compile_from_config(config)
        save_model(model, out)
        return plan.to_dict()
    except ExperimentsError as error:
        return {"error": str(error)}
    except OSError as error:
        return {"error": f"{out or into} cannot be written or read: {error.strerror or error}."}
    except MemoryError:
        return {"error": f"{into.name} needs more than {MEMORY:,} bytes of memory to be built."}


if __name__ == "__main__":
    paths = [Path(argument) for argument in sys.argv[1:]]
    print(json.dumps(main(paths[0], paths[1], paths[2] if len(paths) > 2 else None)))
