"""Which samples a run is about, as a part of its spec."""

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from experiments.core.errors import DatasetError
from experiments.core.spec_part import SpecPart
from experiments.data.catalog import DatasetInfo, Source
from experiments.data.stored import find_info


class DatasetSpec(SpecPart):
    """Which samples: a name of the catalog or the whole name of a stored dataset, optionally
    only the first ``max_samples``.

    ``noise`` is for two_moons: the fraction of labels that are flipped. With ``memory_mb`` samples
    of a stored dataset stream from disk, never more than that of them (in 10⁶ bytes) in memory.
    """

    name: str = "digits"
    max_samples: Annotated[int, Field(ge=10)] | None = None
    noise: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    memory_mb: Annotated[int, Field(ge=8, le=1_000_000)] | None = None

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            find_info(name)
        except DatasetError as error:
            raise ValueError(str(error)) from None
        return name

    @model_validator(mode="after")
    def _only_files_stream(self) -> Self:
        if self.memory_mb is not None and self.info.source is not Source.STORED:
            raise ValueError(
                f"memory_mb: received {self.memory_mb} for {self.name}, which is small and not in "
                "a file of its own. Allowed: null; datasets that you add can stream."
            )
        return self

    @property
    def info(self) -> DatasetInfo:
        """What is known of it."""
        return find_info(self.name)
