# ruff: noqa: F401
"""What the server imports before it forks training processes: all that training imports late.

Imports only: a process that is forked after any TensorFlow operation hangs.
"""

import rich.console  # Keras, when it prints its first table
import scipy.stats  # scikit-learn
import sklearn.datasets  # the datasets that it ships
import sklearn.model_selection  # splits that are drawn

import experiments.running.local_launcher
import experiments.training.train
