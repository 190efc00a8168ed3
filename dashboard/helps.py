"""Short answers, shown exactly where a beginner asks."""

GAP = (
    "The gap is validation loss minus training loss, both measured in test mode at the end of the "
    "epoch. A small, steady gap is normal: the network has seen the training samples. A gap that "
    "widens while the validation loss rises is overfitting."
)
TRAIN_ABOVE_VALIDATION = (
    "Training loss can lie **above** validation loss for two reasons. Dropout acts only in "
    "training mode, so training loss is measured with a handicap. And it is a mean over the "
    "batches while the weights still move, whereas validation loss is measured at the end of the "
    "epoch. The dashed line measures training samples in test mode at the end of the epoch, which "
    "takes both reasons away: compare that one with validation. An L1 or L2 penalty is no reason: "
    "Keras 3 adds it to both losses."
)
LINES = (
    "**Solid** is validation, **dashed** is a sample of the training set measured in test mode at "
    "the end of the epoch, **dotted** is what Keras reports while training.\n\n"
    f"{TRAIN_ABOVE_VALIDATION}"
)
VALIDATION_SAMPLES = (
    "Keras' `validation_split` takes the **last** part of the data in file order, before any "
    "shuffle. If a file is sorted by class, whole classes can be missing from training: choose "
    "shuffled or stratified then. Validation samples never move the weights."
)
BEST = (
    "The best epoch is the one with the lowest validation loss, not the last one. "
    "`EarlyStopping(restore_best_weights=True)` ends training near it and goes back to its weights."
)
EPOCHS = "Epochs are counted from 0, as Keras' callbacks and MLflow count them."
VERDICT = (
    "Made from the losses alone: where validation loss is lowest, whether it rises afterwards by "
    "more than its noise, how far it lies above the training loss, and whether it still falls."
)
HISTORY = (
    "Every epoch's values are in the run's `history.json`, as `model.fit(...).history` gives them, "
    "and in MLflow as metrics with step = epoch."
)
FILES = {
    "model/model.h5": "the whole model: architecture, weights, training config, optimizer state",
    "model/model.weights.h5": "weights only, for `model.load_weights`",
    "model/architecture.json": "architecture only, for `keras.models.model_from_json`",
    "checkpoints/last.h5": "where training stood at the end: a run is resumed from it",
    "checkpoints/best.h5": "the whole model after the best epoch",
    "checkpoints/index.json": "which checkpoint is in which file",
    "history.json": "every epoch, as `fit(...).history` gives it",
    "spec.yaml": "everything that the run was asked to do; it can be run again",
    "split.npz": "which samples trained and which validated",
    "predictions.npz": "truth and prediction of validation samples at the end",
    "class_names.json": "the classes, in the order of the model's outputs",
    "log.txt": "what the training process said",
}
LOAD_CODE = """\
import keras

model = keras.models.load_model("model.h5", compile=False)   # architecture and weights
model.summary()
predictions = model.predict(samples)                          # samples shaped as in training

# Keras 3 does not read the optimizer's state from .h5. To train on, resume or branch the run here,
# or save it as Keras or as a Python script, which both bring the optimizer along.
"""
EARLY_STOPPING = (
    "Ends training when the monitored value has not improved by `min_delta` for `patience` epochs."
)
REDUCE_LR = (
    "Multiplies the learning rate by `factor` when the monitored value has not improved for "
    "`patience` epochs."
)
L1_L2 = (
    "Adds the size of the weights to the loss: L1 pushes weights to zero, L2 keeps them small. "
    "Keras 3 adds the penalty to training and validation loss alike; 0 switches it off."
)
DROPOUT = "The fraction of units that is silenced at random in each training step; off in testing."
SEED = "The same spec with the same seed on the same machine gives the same history again."

SGD_REGRESSION = (
    "The loss of a regression is in the square of the target's own units, and plain SGD takes "
    "steps of that size: it needs a small learning rate, such as 0.00001. Adam does not mind."
)
TRANSPLANT = (
    "Layers of the same name and shapes take over their weights; all others begin as new. So a "
    "network that learnt one task can start another one with other classes."
)
RESUME = (
    "The same run goes on to more epochs, from its last checkpoint: weights, optimizer, order of "
    "the samples, dropout's random stream and the counters of callbacks are as they were, so the "
    "result is the same as without the stop, to the last bit."
)
BRANCH = (
    "A new run that begins at a checkpoint of this one, with settings that you may change. Its "
    "curve begins with the epochs before."
)
TRAINING_STATE = (
    "Where training stood when the file was saved: epochs, history, random generators and the "
    "counters of callbacks. Only files that were saved here hold it; with it a run goes on exactly."
)
RELATIVE_CHANGE = (
    "The size of the difference as a share of the size of the weight in the first file: "
    "|a − b| / |a|, in 2-norms. 0 is the same; 1 is as far as from all zeros."
)
