"""Where the model that is being looked at comes from. No streamlit here."""

from dataclasses import dataclass
from pathlib import Path

from experiments.tracking.runs import Run


@dataclass(frozen=True)
class ModelSource:
    """A run that has ended, or an uploaded file: exactly one of both."""

    run: Run | None = None
    file: Path | None = None

    @property
    def name(self) -> str:
        """What people call it."""
        return self.run.name if self.run else self.path.name

    @property
    def path(self) -> Path:
        """The uploaded file."""
        assert self.file is not None
        return self.file

    @property
    def asked(self) -> dict[str, str]:
        """How the Keras processes are told."""
        return {"run": self.run.id} if self.run else {"file": str(self.path)}

    @property
    def key(self) -> str:
        """The same for the same model: an upload's folder is its content's hash."""
        run = self.run
        return f"{run.id} {run.status} {run.ended}" if run else str(self.path)
