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
    "Keras 3 adds it to both losses. *Why do the curves differ?* measures each of these."
)
LINES = (
    "**Solid** is validation, **dashed** is a sample of the training set measured in test mode at "
    "the end of the epoch, **dotted** is what Keras reports while training.\n\n"
    f"{TRAIN_ABOVE_VALIDATION}"
)
GAP_PARTS = (
    "Each line is what one cause adds to `loss` − `val_loss`; together they are it.\n\n"
    "**Training mode**: the same training samples, at the end of the epoch, measured once with "
    "dropout, augmentation and the normalization of each batch switched on and once without. "
    "It can lie below 0: batch normalization's moving averages lag behind at first.\n\n"
    "**Averaging**: `loss` is a mean over the batches of an epoch while the weights move; most of "
    "it is from weights that were worse.\n\n"
    "**Penalty**: L1 and L2 are in both losses alike. `loss` has their mean over the epoch, "
    "`val_loss` their value at its end, and only that differs.\n\n"
    "**True gap**: training minus validation loss, both in test mode at the end of an epoch. Below "
    "0 the network does worse on samples that it has not seen. The band holds 95 % of what chance "
    "would do with so many validation and measured training samples. Each epoch has the same "
    "samples, so one that is unlucky is so in all epochs."
)
VALIDATION_SAMPLES = (
    "Keras' `validation_split` takes the **last** part of the data in file order, before any "
    "shuffle. If a file is sorted by class, whole classes can be missing from training: choose "
    "shuffled or stratified then. **By group** keeps all samples of a patient, a user, a scene "
    "together, **by time** validates on the latest; both need a column that is named when the data "
    "is added. Validation samples never move the weights."
)
IMAGE_GROUPS = (
    "Images of one patient, scene or video belong together: where some of them train and others "
    "validate, the result looks better than it is. Their group is found in their names; a pattern "
    "of your own (a regular expression) can be typed, such as `patient(\\d+)`."
)
TEST_SPLIT = (
    "Held out before anything else, in the same way as the validation samples: the latest, whole "
    "groups, each class by its share. The best epoch is chosen on the validation samples, so its "
    "result is somewhat too good; on the test samples nothing is chosen. The model is evaluated on "
    "them once, when it is trained."
)
TEST = "Samples that neither train nor validate: the trained model is evaluated on them once."
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
    "split_audit.json": "what the split does to the classes, copies across the parts, and how "
    "exact the result is",
    "split.npz": "which samples trained, which validated, and which were held out for the test",
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
AUGMENTATION = (
    "Changes each training image at random whenever it is trained on, so that the network never "
    "sees quite the same one twice. It is part of the model and acts in training mode only: "
    "validation, predictions and the saved model take images as they are."
)
FLIP = "For images whose mirror image is as real; a mirrored digit is none."
AMOUNTS = {
    "translation": "Moved by up to this share of the image's side, any way.",
    "rotation": "Turned by up to this share of a full turn, either way: 0.05 is 18°.",
    "zoom": "Made larger or smaller by up to this share.",
    "contrast": "Contrast raised or lowered by up to this share.",
}
REMEDY = (
    "One run would prove little: another seed alone moves the losses. So each remedy and the "
    "unchanged run are trained with the same seeds, on the same training and validation samples, "
    "from fresh weights, and compared seed by seed. Ticked is what the verdict suggests. The "
    "penalty of L1 and L2 is taken out of the losses that are compared."
)
REMEDY_SEEDS = (
    "More seeds make the interval narrower: with three, only large changes can be told from "
    "chance. What was trained before is not trained again."
)
WEIGHTS = (
    "**imagenet**: what the network learned from 1.3 million images of 1,000 classes; Keras "
    "downloads it once into its own cache folder. **random**: nothing is known; train the base "
    "from the first epoch on, to compare."
)
SIZE = (
    "Images are resized to so many pixels in the model. Empty: as they are, if the base takes "
    "them. Networks know best what has the size that they were trained on, mostly 224 or 299."
)
FINETUNE = (
    "First the head alone trains on what the base says of each image, which is computed once and "
    "kept. Then the base trains too, slowly: before the head has converged, its large errors would "
    "destroy what the base knows. Batch normalization keeps its averages all the time."
)
FROM_LAYER = (
    "The blocks of the base, the last one first, as its authors named them. What comes before the "
    "chosen one stays as it is: it knows edges and textures, which serve every image."
)
FINETUNE_AFTER = (
    "So many epochs train the head alone. Enough for its loss to settle: an unfinished head would "
    "damage the base. The border is marked in the curves."
)
FINETUNE_RATE = (
    "Of the whole network once the base trains, with an optimizer that begins anew. A tenth to a "
    "hundredth of the head's rate keeps what the base knows."
)
GRADUAL = (
    "Gradual unfreezing: the last block trains first, and one more every so many epochs, down to "
    "the block that is chosen. The optimizer begins anew with each."
)
RATE_DECAY = (
    "Each block learns at this share of the rate of the block after it: 0.5 halves it from block "
    "to block. 1 is the same rate for all."
)
WARM_UP = (
    "In so many epochs of fine-tuning the learning rate rises batch by batch from 0, while the new "
    "optimizer finds out how large the gradients are."
)
TRAIN_BATCH_NORM = (
    "Off: the base runs in inference mode, with the averages that it was pretrained with. On: it "
    "runs in training mode, and its averages move to those of your batches. For a base of random "
    "weights."
)
COPIES = (
    "With augmentation the base sees new images in each epoch, so nothing can be computed once. "
    "With a number here, so many augmented copies of each image are drawn once and their "
    "features kept; the epochs take them in turn. 5 to 10 are nearly as good as new ones each time."
)
SAVED_BASE = (
    "Any model that a run has saved, or a file that you uploaded. It is cut at a layer; what is "
    "before that is the base, frozen at first, and gets raw samples as it did when it was trained."
)
SAVED_WEIGHTS = (
    "**saved**: what it learned. **random**: the same network without it, to tell what pretraining "
    "is worth."
)
CUT = (
    "The base ends with this layer. Late layers know more of the old task, early ones are more "
    "general."
)
WHITE = (
    "The brightest pixel in what the base was trained on: 255, 1, 16. Empty: as its first scaling "
    "layer says, and 1 where it has none."
)
IMAGENET_WEIGHTS = (
    "What the network learned from 1.3 million images of 1,000 classes. Keras looks for them in "
    "its own cache folder; a run or *Classify* downloads them there at first use."
)
ACCURACY = "On ImageNet's validation set, as keras.io/api/applications documents it."
MEASURE_HERE = (
    "The base with random weights, whose values do not matter for the time: the median of five "
    "batches of eight images, after one that is not counted."
)
TRANSFER = (
    "What the base knew before this run, and how it was made to learn. The first phase trains the "
    "head alone; the lines in the curves mark where blocks of the base begin to train."
)
FROM_SCRATCH = (
    "The same data, split, seed and head, with a base of random weights that trains from the first "
    "epoch on at the head's learning rate."
)
FOLDS = (
    "k-fold cross-validation: the samples are divided into so many parts, and each validates a run "
    "of its own, which trains on the others. So every sample validates once, and the mean over the "
    "runs is known better than the result of one split."
)
SPLIT_SEED = (
    "Draws which samples validate. Empty: the run's seed does. With a number here, runs of "
    "different seeds train and validate on the same samples."
)
MEMORY = (
    "Empty: all samples are read into memory. With a number they stream from disk, and never more "
    "than so many megabytes of them are in memory: for data larger than memory. Blocks of rows are "
    "drawn at random and shuffled in a buffer, so a file that is sorted mixes less well."
)
LOOP = (
    "What goes over the batches: Keras' fit, or a plain loop of train_on_batch and test_on_batch. "
    "Both give the same weights and the same history."
)
PEAK_MEMORY = (
    "What training will hold at its peak, TensorFlow's 0.7 GB included: an estimate. The run's "
    "page has the measured one."
)
SEED = "The same spec with the same seed on the same machine gives the same history again."

SGD_REGRESSION = (
    "The loss of a regression is in the square of the target's own units, and plain SGD takes "
    "steps of that size: it needs a small learning rate, such as 0.00001. Adam does not mind."
)
TRANSPLANT = (
    "Layers of the same name and shapes take over their weights; all others begin as new. So a "
    "network that learned one task can start another one with other classes."
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
FILTER = (
    "Words must occur in what describes a run. Conditions are MLflow's or shorter: "
    "`val_loss < 0.3 and dropout >= 0.2`, `params.optimizer = 'adam'`, `tags.\"team\" LIKE 'a%'`. "
    '`best.val_loss` is the best epoch\'s value, `name rlike "cnn|resnet"` is a pattern.'
)
SMOOTHING = (
    "The mean over neighboring epochs on both sides, so that the end of a curve is where the run "
    "ended; gaps and NaN stay. The values in tables and verdicts are never smoothed."
)
GROUPS = (
    "Runs that agree in these parameters are drawn as one line, their mean, with a band of their "
    "spread: choose everything but the seed to see what chance does."
)
COLUMNS = (
    "Best is the best value of the whole run, not the last one. Type a column of your own, such as "
    "`val_loss at epoch 12` (epochs count from 0), `last accuracy` or `params.seed`."
)
BASELINE = "Every other run is shown with its difference to this one."
PARETO = (
    "With two results the line joins the runs that no other run beats in both: on it, one can only "
    "be had at the cost of the other."
)
IMPORTANCE = (
    "A random forest learns the result from the parameters and forecasts it for runs that it has "
    "not seen; how much worse it gets with one parameter shuffled is that parameter's importance. "
    "It tells what goes together, not what causes what."
)
STOPPING = (
    "How much worse than the run's best validation loss the loss at the stop may be, on average. "
    "The replay decides as Keras' own EarlyStopping does, epoch by epoch."
)
PAIR = (
    "The verdict compares two columns: one measured on training samples, one on validation "
    "samples. They are found by their names; choose others here if that went wrong."
)
HEAT = (
    "Which places of the image speak for a class, as the last maps of the network have it. It "
    "tells where, not why; a warm border says that the model looks at the border, not that this is "
    "right. docs/learned.md says more."
)
HEAT_METHODS = (
    "**Grad-CAM** (2017) weighs whole maps by the mean of their gradients. It is the usual one; "
    "where places are not averaged before the head, as in the CNNs made here, it can also warm "
    "places that do not count.\n\n"
    "**HiResCAM** (2020) multiplies maps and gradients place by place; with one dense layer after "
    "the maps it shows exactly what each cell adds to the score."
)
PROJECTIONS = (
    "**PCA** keeps the two directions in which the samples differ most; distances mean "
    "something.\n\n"
    "**t-SNE** keeps neighbors together and shows groups that PCA lays over each other; sizes of "
    "groups and distances between them mean little. At most 1,000 samples."
)
DATES = (
    "What stands first where 03/04/2024 may be the third of April or March the 4th, and 21-01-05 a "
    "day of 2021 or of 2005. It matters only where nothing in the file shows it: no day after the "
    "12th, no other column of dates."
)
AS_CATEGORIES = (
    "Numbers, dates or truths that are names: codes, ids of places, classes 1, 2, 3. Their size "
    "means nothing then, and a model gets one input for each of them."
)
AS_NUMBERS = (
    "Codes such as 01234 are read as names, since a number would lose its leading zero. Name those "
    "here that are amounts all the same."
)
