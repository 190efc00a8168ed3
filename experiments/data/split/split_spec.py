"""How samples are divided, as a part of a run's spec."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from experiments.core.spec_part import Fraction, Seed, SpecPart
from experiments.data.catalog import DatasetInfo, Task

SplitMethod = Literal["last", "shuffled", "stratified", "group", "time", "given"]


class SplitSpec(SpecPart):
    """Which samples validate, and which are kept for the test.

    ``last`` is Keras' own validation_split: the last part in file order, before any shuffle.
    ``shuffled``, ``stratified`` and ``group`` draw with ``seed``, and two_moons is made from it;
    without one the run's is taken. With one, runs of several seeds have the same samples in both
    parts. ``group`` keeps whole groups together and ``time`` takes the latest samples, by the
    columns that the dataset was added with. ``given`` takes the samples for which the dataset's
    file has a part of its own.

    Before that ``test_split`` of all samples are held out in the same way: nothing is chosen by
    them, and the model is evaluated on them once, when it is trained. The samples of a test part
    that the dataset comes with never train or validate.

    With ``folds`` the samples are divided into so many parts, of which ``fold`` (from 1) validates
    in place of ``validation_split``. Without ``fold`` the spec stands for a run of each.
    """

    method: SplitMethod = "last"
    validation_split: Fraction = 0.2
    test_split: Fraction | None = None
    seed: Seed | None = None
    folds: Annotated[int, Field(ge=2, le=100)] | None = None
    fold: Annotated[int, Field(ge=1)] | None = None

    @property
    def validates(self) -> bool:
        """Whether any samples do."""
        return bool(self.folds or self.method == "given" or self.validation_split)

    @property
    def is_drawn(self) -> bool:
        """Whether it follows from a seed."""
        return self.method in ("shuffled", "stratified", "group")

    @property
    def is_many(self) -> bool:
        """Whether it stands for a run of each fold."""
        return self.folds is not None and self.fold is None

    @field_validator("test_split")
    @classmethod
    def _none_where_it_is_none(cls, share: float | None) -> float | None:
        return share or None

    @model_validator(mode="after")
    def _fold_is_one_of_them(self) -> Self:
        if self.fold is not None and self.fold > (self.folds or 0):
            allowed = f"null, or 1 to {self.folds}" if self.folds else "null without split.folds"
            raise ValueError(f"split.fold: received {self.fold}. Allowed: {allowed}.")
        if self.folds and self.method == "time":
            raise ValueError(
                f"split.folds: received {self.folds} with the method time, which validates on what "
                "comes after the training samples. Allowed: null, or another method."
            )
        if self.method == "given" and (self.folds or self.test_split):
            what = "folds" if self.folds else "test_split"
            raise ValueError(
                f"split.{what}: received {getattr(self, what)} with the method given, which takes "
                "the parts as the file has them. Allowed: null, or another method."
            )
        return self


def split_methods(info: DatasetInfo) -> list[SplitMethod]:
    """The ways in which a dataset can be split."""
    methods: list[tuple[SplitMethod, bool]] = [
        ("last", True),
        ("shuffled", True),
        ("stratified", info.task is not Task.REGRESSION),
        ("group", bool(info.group)),
        ("time", bool(info.time)),
        ("given", info.validation_given),
    ]
    return [method for method, fits in methods if fits]
