"""The datasets that a spec can name, described without loading any of them."""

from dataclasses import dataclass
from enum import StrEnum


class Task(StrEnum):
    """What a model is asked for; it decides the head, the loss and the metrics."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


class Kind(StrEnum):
    """What one sample is."""

    TABULAR = "tabular"
    IMAGE = "image"


class Source(StrEnum):
    """Where the samples come from."""

    BUNDLED = "bundled"  # ships with scikit-learn
    GENERATED = "generated"  # made from the seed
    DOWNLOAD = "download"  # keras.datasets, downloaded at first use
    STORED = "stored"  # brought by a user, kept in MLflow


#: The parts of a dataset, by their numbers in DatasetInfo.parts and Dataset.parts.
TRAINING, VALIDATION, TEST = 0, 1, 2
#: What files call their parts, in any case.
PART_WORDS = {
    f"{word}{end}": part
    for part, words in (
        (TRAINING, ("train", "training")),
        (VALIDATION, ("val", "valid", "validation", "eval", "dev")),
        (TEST, ("test", "testing")),
    )
    for word in words
    for end in ("", "_set", "-set", " set", "set")
}


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a dataset before it is loaded."""

    name: str
    title: str
    task: Task
    kind: Kind
    shape: tuple[int, ...]  # of one sample
    samples: int
    source: Source
    class_names: tuple[str, ...] = ()
    target: str = "class"
    file: str = ""  # where Keras keeps the download, below its cache folder
    url: str = ""
    megabytes: float = 0.0
    sha256: str = ""  # what Keras wants the file to be; "" where it does not check
    beside: tuple[str, ...] = ()  # further files of the download, in the same folder and place
    white: float = 255.0  # the brightest value that a pixel can have
    feature_names: tuple[str, ...] = ()  # of stored rows
    categories: tuple[tuple[str, ...], ...] = ()  # of each feature, stored as numbers of these
    date_formats: tuple[str, ...] = ()  # of each feature, "" of no date; stored as days since 1970
    content_hash: str = ""
    group: str = ""  # the columns by which it can be split
    time: str = ""
    parts: tuple[int, ...] = ()  # samples for training, validation and test, where the file says

    @property
    def validation_given(self) -> bool:
        """Whether its file says which samples validate."""
        return bool(self.parts and self.parts[VALIDATION])

    @property
    def test_given(self) -> bool:
        """Whether it comes with a test part."""
        return self.source is Source.DOWNLOAD or bool(self.parts and self.parts[TEST])

    @property
    def downloads(self) -> tuple[tuple[str, str], ...]:
        """Each file of a download: its path below Keras' cache folder, and its URL."""
        if not self.file:
            return ()
        folder, place = self.file.rpartition("/")[0], self.url.rpartition("/")[0]
        more = tuple((f"{folder}/{name}", f"{place}/{name}") for name in self.beside)
        return ((self.file, self.url), *more)

    @property
    def number_columns(self) -> list[tuple[int, int]]:
        """Features of a stored table that are numbers, as runs of columns: first, last + 1."""
        found: list[tuple[int, int]] = []
        for i, categories in enumerate(self.categories):
            if not categories:
                joins = found and found[-1][1] == i
                found[-1:] = [(found[-1][0], i + 1)] if joins else [*found[-1:], (i, i + 1)]
        return found

    @property
    def classes(self) -> int:
        """How many classes; 0 for regression."""
        return len(self.class_names)


_GOOGLE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_TORONTO = "https://www.cs.toronto.edu/~kriz/"
_DIGITS = tuple("0123456789")
_CIFAR10 = "airplane automobile bird cat deer dog frog horse ship truck"
_FASHION = "T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot"
_CIFAR100 = """apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge
bus butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab
crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard
lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom
oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider
squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout
tulip turtle wardrobe whale willow_tree wolf woman worm"""

_ALL = (
    DatasetInfo(
        name="digits",
        title="Handwritten digits, 8×8 gray images",
        task=Task.MULTICLASS,
        kind=Kind.IMAGE,
        shape=(8, 8, 1),
        samples=1797,
        source=Source.BUNDLED,
        class_names=_DIGITS,
        target="digit",
        white=16.0,
    ),
    DatasetInfo(
        name="breast_cancer",
        title="Breast cancer: benign or malignant, from 30 measurements",
        task=Task.BINARY,
        kind=Kind.TABULAR,
        shape=(30,),
        samples=569,
        source=Source.BUNDLED,
        class_names=("malignant", "benign"),
        target="diagnosis",
    ),
    DatasetInfo(
        name="wine",
        title="Wine: three growers, from 13 chemical measurements",
        task=Task.MULTICLASS,
        kind=Kind.TABULAR,
        shape=(13,),
        samples=178,
        source=Source.BUNDLED,
        class_names=("class_0", "class_1", "class_2"),
        target="grower",
    ),
    DatasetInfo(
        name="iris",
        title="Iris: three species, from 4 lengths",
        task=Task.MULTICLASS,
        kind=Kind.TABULAR,
        shape=(4,),
        samples=150,
        source=Source.BUNDLED,
        class_names=("setosa", "versicolor", "virginica"),
        target="species",
    ),
    DatasetInfo(
        name="diabetes",
        title="Diabetes progression after a year, from 10 measurements",
        task=Task.REGRESSION,
        kind=Kind.TABULAR,
        shape=(10,),
        samples=442,
        source=Source.BUNDLED,
        target="progression",
    ),
    DatasetInfo(
        name="two_moons",
        title="Two interleaved half circles, with label noise",
        task=Task.BINARY,
        kind=Kind.TABULAR,
        shape=(2,),
        samples=1000,
        source=Source.GENERATED,
        class_names=("upper", "lower"),
        target="moon",
    ),
    DatasetInfo(
        name="mnist",
        title="MNIST: handwritten digits, 28×28 gray images",
        task=Task.MULTICLASS,
        kind=Kind.IMAGE,
        shape=(28, 28, 1),
        samples=60_000,
        source=Source.DOWNLOAD,
        class_names=_DIGITS,
        target="digit",
        file="datasets/mnist.npz",
        url=_GOOGLE + "mnist.npz",
        megabytes=11.5,
        sha256="731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
    ),
    DatasetInfo(
        name="fashion_mnist",
        title="Fashion-MNIST: clothes, 28×28 gray images",
        task=Task.MULTICLASS,
        kind=Kind.IMAGE,
        shape=(28, 28, 1),
        samples=60_000,
        source=Source.DOWNLOAD,
        class_names=tuple(_FASHION.split(",")),
        target="article",
        file="datasets/fashion-mnist/train-images-idx3-ubyte.gz",
        url=_GOOGLE + "train-images-idx3-ubyte.gz",
        megabytes=30.9,
        beside=(
            "train-labels-idx1-ubyte.gz",
            "t10k-images-idx3-ubyte.gz",
            "t10k-labels-idx1-ubyte.gz",
        ),
    ),
    DatasetInfo(
        name="cifar10",
        title="CIFAR-10: 32×32 color images of ten things",
        task=Task.MULTICLASS,
        kind=Kind.IMAGE,
        shape=(32, 32, 3),
        samples=50_000,
        source=Source.DOWNLOAD,
        class_names=tuple(_CIFAR10.split()),
        target="object",
        file="datasets/cifar-10-batches-py-target_archive",
        url=_TORONTO + "cifar-10-python.tar.gz",
        megabytes=170.5,
        sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    ),
    DatasetInfo(
        name="cifar100",
        title="CIFAR-100: 32×32 color images of a hundred things",
        task=Task.MULTICLASS,
        kind=Kind.IMAGE,
        shape=(32, 32, 3),
        samples=50_000,
        source=Source.DOWNLOAD,
        class_names=tuple(_CIFAR100.split()),
        target="object",
        file="datasets/cifar-100-python-target_archive",
        url=_TORONTO + "cifar-100-python.tar.gz",
        megabytes=169.0,
        sha256="85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
    ),
    DatasetInfo(
        name="california_housing",
        title="California housing: median house value, from 8 district figures",
        task=Task.REGRESSION,
        kind=Kind.TABULAR,
        shape=(8,),
        samples=16_512,
        source=Source.DOWNLOAD,
        target="median house value",
        file="datasets/california_housing.npz",
        url=_GOOGLE + "california_housing.npz",
        megabytes=0.7,
        sha256="1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f",
    ),
)

CATALOG: dict[str, DatasetInfo] = {info.name: info for info in _ALL}
