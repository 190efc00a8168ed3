"""What the server imports before it forks training processes: all that training imports late.

Imports only: a process that is forked after any TensorFlow operation hangs.
"""

import rich.console  # noqa: F401 - Keras, when it prints its first table
import scipy.stats  # noqa: F401 - scikit-learn
import sklearn.datasets  # noqa: F401 - the data sets that it ships
import sklearn.model_selection  # noqa: F401 - splits that are drawn
import tensorflow.python.data.experimental  # noqa: F401 - fit's input pipeline

import experiments.training  # noqa: F401
