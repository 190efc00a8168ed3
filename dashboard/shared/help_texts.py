"""Short answers, shown exactly where a beginner asks."""

GAP = (
    "The gap is validation loss minus training loss, both measured in test mode at the end of the "
    "epoch. A small, steady gap is normal: the network has seen the training samples. A gap that "
    "widens while the validation loss rises is overfitting."
)
TRAIN_ABOVE_VALIDATION = (
    "Training loss can lie **above** validation loss for two reasons. First, dropout acts only in "
    "training mode, so training loss is measured with a handicap. Second, training loss is a mean "
    "over the batches while the weights are still changing, whereas validation loss is measured "
    "at the end of the epoch. The dashed line measures training samples in test mode at the end "
    "of the epoch, which removes both reasons: compare that one with validation. An L1 or L2 "
    "penalty is not a reason: Keras 3 adds it to both losses. *Why do the curves differ?* "
    "measures each of these."
)
LINES = (
    "**Solid** is validation, **dashed** is a sample of the training set measured in test mode at "
    "the end of the epoch, **dotted** is what Keras reports while training.\n\n"
    f"{TRAIN_ABOVE_VALIDATION}"
)
GAP_PARTS = (
    "Each line is what one cause adds to `loss` − `val_loss`; together they make up all of it.\n\n"
    "**Training mode**: the same training samples, at the end of the epoch, measured once with "
    "dropout, augmentation and the normalization of each batch switched on and once without. "
    "It can lie below 0: batch normalization's moving averages lag behind at first.\n\n"
    "**Averaging**: `loss` is a mean over the batches of an epoch while the weights move; most of "
    "it is from weights that were worse.\n\n"
    "**Penalty**: L1 and L2 are in both losses alike. `loss` has their mean over the epoch, "
    "`val_loss` their value at its end, and only that differs.\n\n"
    "**True gap**: training minus validation loss, both in test mode at the end of an epoch. Below "
    "0 the network does worse on samples that it has not seen. The band holds 95 % of what chance "
    "would do with this many validation and measured training samples. Each epoch has the same "
    "samples, so one that is unlucky is so in all epochs."
)
VALIDATION_SAMPLES = (
    "Keras' `validation_split` takes the **last** part of the data in file order, before any "
    "shuffling. If a file is sorted by class, whole classes can be missing from training: choose "
    "shuffled or stratified then. **By group** keeps all samples of a patient, a user or a scene "
    "together; **by time** validates on the latest samples. Both need a column that is named when "
    "the data is added. The model never trains on validation samples."
)
IMAGE_GROUPS = (
    "Images of one patient, scene or video belong together: if some of them train and others "
    "validate, the result looks better than it is. Their group is taken from their file names. "
    "You can also type a pattern of your own (a regular expression), such as `patient(\\d+)`."
)
TEST_SPLIT = (
    "Held out before anything else, in the same way as the validation samples: the latest "
    "samples, whole groups, or each class by its share. The best epoch is chosen on the "
    "validation samples, so its result is somewhat too good; nothing is chosen on the test "
    "samples. The model is evaluated on them once, after training."
)
TEST = (
    "Samples used neither for training nor for validation: the trained model is evaluated on them "
    "once."
)
BEST = (
    "The best epoch is the one with the lowest validation loss, not the last one. "
    "`EarlyStopping(restore_best_weights=True)` ends training near it and goes back to its weights."
)
EPOCHS = "Epochs are counted from 0, as Keras' callbacks and MLflow count them."
ADD_LOGS = (
    "A verdict on logs of other tools: Keras' history and CSVLogger, Lightning, YOLO, Hugging "
    "Face, TensorBoard, Weights & Biases, printed progress. Kept as runs, they are "
    "compared with yours."
)
LOG_KINDS = (
    "CSV, JSON, JSON lines, text, or TensorBoard's event files; up to 50 files of 20 MB. Columns "
    "that are no numbers are left out and told."
)
COLORS = (
    "Run: each its own. Verdict: a run that overfits is pale until it begins to. A parameter: a "
    "color for each value, or a scale for many numbers. Group: after runs were grouped above."
)
LEGEND = "Pick some to show only these. The numbers say how many runs there are of each."
VERDICT = (
    "Based on the losses alone: where validation loss is lowest, whether it rises afterwards by "
    "more than its noise, how far it lies above the training loss, and whether it is still "
    "falling."
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
    "split_audit.json": "how classes are split, copies across the parts, and how exact the "
    "result is",
    "split.npz": "which samples trained, which validated, and which were held out for the test",
    "predictions.npz": "truth and prediction of validation samples at the end",
    "class_names.json": "the classes, in the order of the model's outputs",
    "log.txt": "the training process's log",
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
DROPOUT = (
    "The fraction of units silenced at random in each training step. Dropout is off in test mode."
)
AUGMENTATION = (
    "Changes each training image at random every time it is used, so that the network never sees "
    "exactly the same image twice. It is part of the model and acts in training mode only: "
    "validation, predictions and the saved model take images as they are."
)
FLIP = "Use it where a mirrored image is still valid. A mirrored digit is not a digit."
AMOUNTS = {
    "translation": "Shifted by up to this fraction of the image's side, in any direction.",
    "rotation": "Rotated by up to this fraction of a full turn, either way: 0.05 is 18°.",
    "zoom": "Enlarged or shrunk by up to this fraction.",
    "contrast": "Contrast raised or lowered by up to this fraction.",
}
REMEDY = (
    "One run would prove little, because another seed alone changes the losses. So each remedy "
    "and the unchanged run are trained with the same seeds, on the same training and validation "
    "samples, from fresh weights, and compared seed by seed. The verdict's suggestions are "
    "checked. The L1 and L2 penalty is taken out of the losses that are compared."
)
REMEDY_SEEDS = (
    "More seeds make the interval narrower: with three, only large changes can be distinguished "
    "from chance. Runs that were trained before are not trained again."
)
WEIGHTS = (
    "**imagenet**: what the network learned from 1.3 million images of 1,000 classes; Keras "
    "downloads it once into its own cache folder. **random**: no pretraining; train the base from "
    "the first epoch on, for comparison."
)
SIZE = (
    "Images are resized to this many pixels inside the model. Leave empty to keep their size, if "
    "the base accepts it. Networks work best at the size they were trained on, mostly 224 or 299."
)
FINETUNE = (
    "First only the head trains, on the base's output for each image, which is computed once and "
    "kept. Then the base trains too, slowly: before the head has converged, its large errors "
    "would destroy what the base knows. Batch normalization keeps its averages all the time."
)
FROM_LAYER = (
    "The blocks of the base, last one first, named as by its authors. Everything before the "
    "chosen block stays as it is: it recognizes edges and textures, which are useful for any "
    "image."
)
FINETUNE_AFTER = (
    "For this many epochs only the head trains. Choose enough for its loss to settle: an "
    "unfinished head would damage the base. The boundary is marked in the curves."
)
FINETUNE_RATE = (
    "The learning rate of the whole network once the base trains, with a fresh optimizer. A tenth "
    "to a hundredth of the head's rate preserves what the base knows."
)
GRADUAL = (
    "Gradual unfreezing: the last block trains first, and one more block is added every so many "
    "epochs, down to the block you chose. The optimizer starts fresh with each."
)
RATE_DECAY = (
    "Each block learns at this fraction of the rate of the block after it: 0.5 halves it from "
    "block to block, 1 uses the same rate for all."
)
WARM_UP = (
    "During the first epochs of fine-tuning, this many, the learning rate rises batch by batch "
    "from 0 while the new optimizer finds out how large the gradients are."
)
TRAIN_BATCH_NORM = (
    "Off: the base runs in inference mode, with the averages from its pretraining. On: it runs in "
    "training mode, and its averages move to those of your batches; use this for a base with "
    "random weights."
)
COPIES = (
    "With augmentation the base sees new images in every epoch, so nothing can be computed once. "
    "With a number here, that many augmented copies of each image are drawn once and their "
    "features kept; the epochs take them in turn. 5 to 10 are nearly as good as new ones each "
    "time."
)
SAVED_BASE = (
    "Any model that a run has saved, or a file that you uploaded. It is cut at a layer; "
    "everything up to there is the base, frozen at first. It takes raw samples, as it did when it "
    "was trained."
)
SAVED_WEIGHTS = (
    "**saved**: what it learned. **random**: the same network without pretraining, to see what "
    "pretraining is worth."
)
CUT = (
    "The base ends with this layer. Late layers are specific to the old task, early ones are more "
    "general."
)
WHITE = (
    "Maximum pixel value of the base's training images, for example 255, 1 or 16. Leave empty to "
    "read it from the base's first Rescaling layer (1 if there is none)."
)
IMAGENET_WEIGHTS = (
    "What the network learned from 1.3 million images of 1,000 classes. Keras looks for them in "
    "its own cache folder; a run or *Classify* downloads them there at first use."
)
ACCURACY = "On ImageNet's validation set, as keras.io/api/applications documents it."
MEASURE_HERE = (
    "The base with random weights (their values do not affect the time): the median of five "
    "batches of eight images, after one warm-up batch."
)
TRANSFER = (
    "What the base knew before this run, and how it was trained further. The first phase trains "
    "the head alone; the lines in the curves mark where blocks of the base start to train."
)
FROM_SCRATCH = (
    "The same data, split, seed and head, with a base of random weights that trains from the "
    "first epoch on at the head's learning rate."
)
FOLDS = (
    "k-fold cross-validation: the samples are divided into this many parts. Each part validates "
    "one run, which trains on all the others. So every sample validates once, and the mean over "
    "the runs is more precise than the result of one split."
)
SPLIT_SEED = (
    "Determines which samples validate. Leave empty to use the run's seed. With a number here, "
    "runs with different seeds train and validate on the same samples."
)
MEMORY = (
    "Empty: all samples are read into memory. With a number, they are streamed from disk and "
    "never take more than this many megabytes: for data larger than memory. Blocks of rows are "
    "drawn at random and shuffled in a buffer, so a sorted file is mixed less well."
)
LOOP = (
    "What runs over the batches: Keras' fit, or a plain loop of train_on_batch and test_on_batch. "
    "Both give the same weights and the same history."
)
PEAK_MEMORY = (
    "An estimate of the peak memory of training, including 0.7 GB for TensorFlow. The run's page "
    "shows the measured value."
)
SEED = "The same spec with the same seed on the same machine gives the same history again."

SGD_REGRESSION = (
    "The loss of a regression is in the square of the target's units, and plain SGD takes steps "
    "of that size: it needs a small learning rate, such as 0.00001. Adam does not have this "
    "problem."
)
TRANSPLANT = (
    "Layers with the same name and shapes receive the weights; all others start fresh. So a "
    "network that learned one task can be the start of another one with other classes."
)
RESUME = (
    "The same run continues for more epochs from its last checkpoint. Weights, optimizer, sample "
    "order, dropout's random stream and the counters of callbacks are as they were, so the result "
    "is the same as without the stop, to the last bit."
)
BRANCH = (
    "A new run that starts from a checkpoint of this one, with settings that you can change. Its "
    "curve starts with the epochs before."
)
TRAINING_STATE = (
    "Where training stood when the file was saved: epochs, history, random generators and the "
    "counters of callbacks. Only files saved by Kerascope have it; with it, training continues "
    "exactly."
)
RELATIVE_CHANGE = (
    "The size of the difference relative to the weight in the first file: |a − b| / |a|, in "
    "2-norms. 0 means identical; 1 is as far as from all zeros."
)
FILTER = (
    "Words must occur in a run's name, parameters or tags. Conditions use MLflow's syntax or a "
    "shorter one: `val_loss < 0.3 and dropout >= 0.2`, `params.optimizer = 'adam'`, "
    "`tags.\"team\" LIKE 'a%'`. `best.val_loss` is the best epoch's value, `name rlike "
    '"cnn|resnet"` is a pattern.'
)
SMOOTHING = (
    "The mean over neighboring epochs on both sides, so that the curve ends where the run ended. "
    "Gaps and NaN stay. The values in tables and verdicts are never smoothed."
)
GROUPS = (
    "Runs with the same values of these parameters are drawn as one line, their mean, with a band "
    "for their spread. Choose everything but the seed to see the effect of chance."
)
COLUMNS = (
    "Best is the best value of the whole run, not the last one. Type a column of your own, such as "
    "`val_loss at epoch 12` (epochs count from 0), `last accuracy` or `params.seed`."
)
BASELINE = "Every other run is shown with its difference to this one."
PARETO = (
    "With two results, the line joins the runs that no other run beats in both. On the line, one "
    "result improves only at the expense of the other."
)
IMPORTANCE = (
    "A random forest learns to predict the result of unseen runs from their parameters. How much "
    "worse it gets when one parameter is shuffled is that parameter's importance. It shows what "
    "goes together, not what causes what."
)
STOPPING = (
    "How much worse, on average, the loss at the stop may be than the run's best validation loss. "
    "The replay decides as Keras' own EarlyStopping does, epoch by epoch."
)
PAIR = (
    "The verdict compares two columns: one measured on training samples, one on validation "
    "samples. They are detected by their names; choose others here if that went wrong."
)
HEAT = (
    "Which places in the image support a class, according to the last feature maps of the "
    "network. It shows where, not why: a warm border means that the model looks at the border, "
    "not that this is right. See docs/learned.md for more."
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
    "Whether the day, month or year comes first, where 03/04/2024 can be April 3 or March 4, and "
    "21-01-05 a day in 2021 or 2005. It matters only if nothing in the file shows it: no day "
    "after the 12th, no other date column."
)
AS_CATEGORIES = (
    "Columns to treat as categories even though they hold numbers, dates or booleans: codes, "
    "place ids, classes 1, 2, 3. Their size is ignored, and the model gets one input for each "
    "value."
)
AS_NUMBERS = (
    "Codes such as 01234 are read as categories, because a number would lose its leading zero. "
    "Choose the columns that are quantities after all."
)
