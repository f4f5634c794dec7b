"""Which words name a metric, a split, a data set, an optimizer, and which say that a number is something else?

Words are compared in lower case. Lists of words are closed here, so that a new one is one entry.
"""

from __future__ import annotations

import re


def word_set(text: str) -> frozenset[str]:
    """The words of `text`.

    >>> sorted(word_set("loss acc"))
    ['acc', 'loss']
    """
    return frozenset(text.split())


# --- metrics ----------------------------------------------------------------------------------

_ACCURACY = word_set(
    """
    accuracy accuracies acc accs accu genauigkeit trefferquote treffergenauigkeit korrektklassifikationsrate
    nøyaktighet noggrannhet exactitud exactitude accuratezza acurácia acuracia tarkkuus nauwkeurigheid
    """
)
_PLAIN = {
    "loss": "loss", "losses": "loss", "verlust": "loss", "verlustwert": "loss", "tap": "loss", "perte": "loss",
    "error": "error", "errors": "error", "err": "error", "errorrate": "error", "fehler": "error",
    "fehlerrate": "error", "fehlerquote": "error",
    "f1": "f1", "f1score": "f1", "fscore": "f1", "precision": "precision", "recall": "recall",
    "auc": "auc", "auroc": "auc", "rocauc": "auc", "psnr": "psnr", "ssim": "ssim", "mae": "mae", "mse": "mse",
    "rmse": "rmse", "iou": "iou", "miou": "iou", "perplexity": "perplexity",
    "parameters": "parameters", "parameter": "parameters", "params": "parameters", "param": "parameters",
    "parametern": "parameters", "parametre": "parameters", "paramters": "parameters", "parmaters": "parameters",
    "parametrs": "parameters", "paramaters": "parameters",
}  # fmt: skip
# Two or three words that are one metric; the longest is tried first.
_PHRASES = {
    ("mean", "absolute", "error"): "mae", ("mean", "squared", "error"): "mse", ("mean", "square", "error"): "mse",
    ("root", "mean", "squared"): "rmse", ("error", "rate"): "error", ("misclassification", "rate"): "error",
    ("classification", "rate"): "accuracy", ("recognition", "rate"): "accuracy", ("success", "rate"): "accuracy",
    ("correctly", "classified"): "accuracy", ("classified", "correctly"): "accuracy",
    ("top", "1"): "accuracy", ("f1", "score"): "f1", ("f", "score"): "f1", ("f", "measure"): "f1",
    ("roc", "auc"): "auc", ("correct", "predictions"): "accuracy", ("korrekt", "klassifiziert"): "accuracy",
    ("richtig", "klassifiziert"): "accuracy", ("correct", "classification"): "accuracy",
}  # fmt: skip
_FIRST = _ACCURACY | frozenset(_PLAIN) | frozenset(phrase[0] for phrase in _PHRASES)
METRIC_BEGINNINGS = (*sorted(_FIRST), "ac")
_NO_ERROR_AFTER = word_set("absolute squared square standard reconstruction percentage rounding")
_NO_PRECISION_AFTER = word_set("mixed half single double full float average")
_VOWELS = str.maketrans("", "", "aeiouy")


def metric_word(word: str) -> str | None:
    """The metric that one word names, misspellings of accuracy too.

    >>> metric_word("acuracy"), metric_word("accurate"), metric_word("loss"), metric_word("params")
    ('accuracy', None, 'loss', 'parameters')
    """
    if word in _ACCURACY:
        return "accuracy"
    found = _PLAIN.get(word)
    if found is None and word.startswith("ac") and 6 <= len(word) <= 11 and word.endswith(("cy", "ies", "cys", "cie")):
        skeleton = word.translate(_VOWELS)
        bare = "".join(char for at, char in enumerate(skeleton) if char != skeleton[at - 1 : at])
        return "accuracy" if bare in ("crc", "crcs", "cr", "crcr") else None
    return found


def may_begin_metric(word: str) -> bool:
    """A quick test: no other word begins the name of a metric."""
    return word in _FIRST or word[:2] == "ac"


def metric_phrase(words: list[str]) -> tuple[str, int] | None:
    """The metric that the first of `words` begin to name, and how many of them: ("error", 2) for "error rate".

    >>> metric_phrase(["error", "rate", "of"]), metric_phrase(["squared"]), metric_phrase(["top", "1", "accuracy"])
    (('error', 2), None, ('accuracy', 3))
    """
    if not words or not may_begin_metric(words[0]):
        return None
    for size in (3, 2):
        found = _PHRASES.get(tuple(words[:size])) if len(words) >= size else None
        if found is not None:
            more = metric_word(words[size]) if len(words) > size else None
            return found, size + (more == found)
    one = metric_word(words[0]) if words else None
    return (one, 1) if one else None


def is_no_metric_after(word: str, metric: str) -> bool:
    """Does the word before turn the metric into something else ("mixed precision", "squared error")?"""
    return (metric == "error" and word in _NO_ERROR_AFTER) or (metric == "precision" and word in _NO_PRECISION_AFTER)


# --- splits -----------------------------------------------------------------------------------

SPLITS = {
    "train": "train", "training": "train", "trainings": "train", "trn": "train", "trainset": "train",
    "treningssett": "train",
    "val": "validation", "valid": "validation", "validation": "validation", "validations": "validation",
    "vali": "validation",
    "validierung": "validation", "validierungs": "validation", "dev": "validation", "validating": "validation",
    "valset": "validation",
    "test": "test", "testing": "test", "tests": "test", "tst": "test", "testset": "test", "testdaten": "test",
    "trainingsdaten": "train", "validierungsdaten": "validation", "testdatensatz": "test",
    "trainingsdatensatz": "train", "validierungsdatensatz": "validation", "trainingsmenge": "train",
    "testmenge": "test", "validierungsmenge": "validation",
}  # fmt: skip


def _misspelt(word: str) -> set[str]:
    """The slips of the pen inside a word: a letter left out, doubled, or changed with the next one.

    >>> sorted(_misspelt("abcd"))
    ['abbcd', 'abccd', 'abd', 'acbd', 'acd']
    """
    inner = range(1, len(word) - 1)
    made = {word[:at] + word[at + 1 :] for at in inner} | {word[: at + 1] + word[at:] for at in inner}
    made |= {word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in inner if at + 2 < len(word)}
    return made - {word}


SPLITS |= {slip: SPLITS[word] for word in ("training", "validation", "testing") for slip in _misspelt(word)}
SET_WORDS = word_set(
    """
    set sets data dataset datasets split splits images samples examples subset part partition daten datensatz
    datasett batch batches fold menge
    """
)
_GLUED = re.compile(
    r"^(trainings?|train|validations?|validierungs|valid|val|testing|test)"
    r"(acc|accs|accuracy|accuracies|loss|losses|error|err|genauigkeit|verlust|fehler|fehlerrate)$"
)


def glued(word: str) -> tuple[str, str] | None:
    """("test", "genauigkeit") of "testgenauigkeit", or None.

    >>> glued("valacc"), glued("validierungsverlust"), glued("testament")
    (('val', 'acc'), ('validierungs', 'verlust'), None)
    """
    found = _GLUED.match(word)
    return (found[1], found[2]) if found else None


# --- words that may stand within a label, and between a label and its number ------------------

MODIFIERS = word_set(
    """
    final best highest high max maximum maximal min minimum lowest low overall average avg mean total peak current
    last classification prediction model models categorical sparse binary score scores value values running macro
    weighted micro obtained achieved resulting cross entropy crossentropy ce nll bce top rate rates epoch end our
    their its new same mean-squared 1 # number no num of finale beste bester bestes durchschnittliche endgültige
    gesamte total_ top1 validate ever network net trainable all learnable amount count trained approximate
    """
)
LINKS = word_set(
    """
    is was are were be been of at to as in = : being equals equal reached reaches reaching reach achieved achieves
    achieve achieving got gets get getting obtained obtains obtain attained attains attain hits hit hitting scored
    scores had has have a an the about around approximately approx roughly nearly almost circa ca ~ ≈ over above
    more than under below less up ( [ → only just exactly even > < ≥ ≤ >= <= value score came comes out stands
    settled increased increases rose improved went goes dropped drops fell decreased beträgt betrug betrugen von
    liegt bei lag war ist erreicht erreichte auf etwa ca. rund über mindestens knapp - -- – — | also now then still
    finally here well far very high low good slightly upto greater higher lower better between from and
    """
)
APPROXIMATE = word_set(
    """
    about around approximately approx approx. roughly nearly almost circa ca ca. ~ ≈ close near ungefähr etwa rund
    fast ish knapp
    """
)
ABOVE_WORDS = word_set(
    """
    over above exceeding exceeds exceeded exceed beyond surpassing über surpassed surpasses mindestens minimum
    crossed crossing
    """
)
BELOW_WORDS = word_set("under below unter höchstens within")
COMPARED = {"more": ">", "greater": ">", "higher": ">", "better": ">", "larger": ">", "less": "<", "lower": "<",
            "fewer": "<", "smaller": "<", "mehr": ">", "weniger": "<", "least": ">", "most": "<",
            "höher": ">"}  # fmt: skip
ACHIEVING = word_set(
    """
    achieve achieves achieved achieving reach reaches reached reaching reaced get gets got getting obtain obtains
    obtained obtaining attain attains attained attaining score scores scored scoring yield yields yielded yielding
    give gives gave hit hits produced produces reported performs performed performing erreicht erreichte erzielt
    erzielte result results resulted classifies classified
    """
)

# --- numbers that are no result ---------------------------------------------------------------

# A number right behind one of these (with "of", "=", ":", "is" ... between) belongs to it.
KEYS = word_set(
    """
    dropout droprate lr rate momentum decay batchsize size sizes probability probabilities prob chance p q gamma
    alpha beta beta1 beta2 betas epsilon eps lambda factor kernel stride padding dilation threshold patience ratio
    seed width height depth std standard deviation variance temperature fraction portion part speed time duration wd
    l1 l2 smoothing warmup noise scale rotation rotate shear zoom shift crop brightness contrast hue saturation flip
    augmentation augmentations degrees angle delta resolution area confidence interval step steps count lernrate
    learning_rate dropoutrate support samples images image batch batches workers classes bs nesterov test_size
    validation_split train_split random_state percentile margin tolerance split channels filters neurons units
    hidden features nodes blocks layers receptive rf field fov memory ram memory latency fps mflops flops gflops
    macs madds speedup memory_ utilization usage iou_threshold score_threshold min_delta range ranges pixel pixels
    values dimension dimensions
    """
)
# A number right behind one of these is its name: "Model 1", "Figure 3".
NAMED = word_set(
    """
    figure fig figures figs table tables tab task tasks section sec chapter equation eq layer layers model models
    network networks net exercise exercises problem question assignment page pages version v python batch iteration
    iter step seed class digit digits fold run runs experiment phase trial attempt block stage conv fc no no. nr
    cifar mnist resnet vgg densenet part appendix line lines cell group team week lecture lab homework hw project
    config setup case variant architecture abbildung tabelle aufgabe modell netz schicht kapitel number label
    algorithm listing ref epoch epochs in[ out[ id batch_id session s cuda torch tensorflow keras inception
    efficientnet mobilenet googlenet densenet wideresnet wrn level tier method approach strategy configuration
    worker gpu node
    """
)
# A number right before one of these counts or measures it.
UNITS = word_set(
    """
    epochs epoch epochen images image samples sample examples batches batch mini-batches minibatches iterations
    iteration steps step layers layer classes class filters filter channels channel neurons units unit features
    feature maps pixels pixel px mb gb kb tb mib gib kib bytes byte bits bit seconds second secs sec s minutes
    minute mins min ms hours hour hrs h days fps times runs models model folds fold degrees degree points point pts
    digits digit gpus gpu workers students categories labels nodes blocks block convolutional conv dense hidden
    fully different million-parameter kernels kernel random bilder sekunden schichten klassen minuten stunden
    durchläufe people groups tasks instances training-images grad datasets lines months weeks years x fc linear
    stages networks repetitions trials seeds percentage-points pp
    """
)
# A percentage right before (with "of the" between) one of these is a share or a change, never a result.
SHARES = word_set(
    """
    dropout chance probability confidence faster slower more less fewer higher lower better worse improvement
    improvements increase increased drop decrease gain reduction boost difference gap of split holdout pruning
    sparsity probabilities larger smaller prozentpunkte verbesserung noise zoom shift rotation above smaller rise
    jump loss_ points decline
    """
)
SHARED = word_set(
    """
    data dataset training train images samples examples set batch time weights neurons units nodes pixels total
    original test validation parameters memory inputs features width height image cases classes layers daten bilder
    """
)
CHANGES = word_set("by um")
CHANGE_NOUNS = word_set(
    """
    improvement increase drop decrease gain reduction boost difference gap margin rise decline overfit gap
    discrepancy verbesserung unterschied anstieg change differences diff
    """
)

# --- data sets, optimizers, networks ----------------------------------------------------------

_DATASETS = re.compile(
    r"(?P<noisy_fashion_mnist>noisy[\s_-]?fashion[\s_-]?mnist)|(?P<fashion_mnist>fashi?o[in]{1,2}[\s_-]{0,3}mnist|\bf[\s_-]?mnist\b)"
    r"|(?P<emnist>\be-?mnist)|(?P<kmnist>\bk-?mnist|kuzushiji)"
    r"|(?P<cifar100_coarse>cifar[\s_-]{0,3}100[^.\n]{0,60}\b(?:coarse|super-?class|20 class))"
    r"|(?P<cifar100>cifar[\s_-]{0,3}100)|(?P<cifar10>cifar[\s_-]{0,3}10(?!\d)|\bcifar\b)|(?P<mnist>mnist)"
    r"|(?P<svhn>\bsvhn\b)|(?P<tiny_imagenet>tiny[\s_-]?imagenet)|(?P<stl10>\bstl[\s_-]?10\b)|(?P<imagenet>imagenet)",
    re.IGNORECASE,
)


def datasets_in(text: str) -> tuple[str, ...]:
    """The data sets that a text names, each once, in order.

    >>> datasets_in("first MNIST, then Fashion-MNIST and CIFAR-10"), datasets_in("CIFAR-100 with 20 coarse labels")
    (('mnist', 'fashion_mnist', 'cifar10'), ('cifar100_coarse',))
    """
    low = text.casefold()
    if "mnist" not in low and "cifar" not in low and "imagenet" not in low and "svhn" not in low and "stl" not in low:
        return ()
    return tuple(dict.fromkeys(str(found.lastgroup) for found in _DATASETS.finditer(text)))


OPTIMIZERS = {
    name.casefold(): name
    for name in ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam", "Lion", "LBFGS")
}
NETWORKS = re.compile(
    r"\b(?:(?:wide[- ]?|pre-?act)?resnext[- ]?\d*|(?:wide[- ]?|pre-?act[- ]?)?resnet[- ]?\d*"
    r"|vgg(?:[- ]?(?:net|like|\d+))?|densenet[- ]?\d*"
    r"|mobilenet(?:[- ]?v\d)?|efficientnet(?:[- ]?b\d)?|alexnet|lenet(?:[- ]?5)?|googlenet|inception(?:[- ]?v\d)?"
    r"|squeezenet|mlp|vit|(?:model|network|net) ?(?:\d{1,2}|(?-i:[A-HJ-Z]))\b)",
    re.IGNORECASE,
)
