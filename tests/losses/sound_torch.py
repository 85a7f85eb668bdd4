"""PyTorch's own losses on the CPU, called with arrays. Where PyTorch means another loss, the domain says so."""

import numpy as np
import torch
from torch.nn import functional as F

from properties import Subject

# problems are small, and examples run side by side
torch.set_num_threads(1)


def of_arrays(loss, logits, labels):
    """Value, and the gradient as a function of the upstream gradient."""
    leaf = torch.tensor(logits, requires_grad=True)
    result = loss(leaf, torch.tensor(labels))
    return result.detach().numpy(), lambda upstream: gradient_of(result, leaf, upstream)


def gradient_of(result, leaf, upstream):
    if result.grad_fn is None:
        return np.zeros(leaf.shape, leaf.detach().numpy().dtype)
    return torch.autograd.grad(result, leaf, torch.tensor(upstream), retain_graph=True)[0].numpy()


class CrossEntropy:
    """``torch.nn.functional.cross_entropy``: classes along axis 1."""

    def __init__(self, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
        self.weight, self.ignore_index = weight, ignore_index
        self.options = {"reduction": reduction, "label_smoothing": label_smoothing}

    def __call__(self, logits, labels):
        weight = None if self.weight is None else torch.tensor(self.weight.astype(logits.dtype))
        # beside soft labels, which all count, PyTorch refuses to hear of an ignore_index
        soft = np.issubdtype(labels.dtype, np.floating)
        options = self.options if soft else {**self.options, "ignore_index": self.ignore_index}
        return of_arrays(lambda z, y: F.cross_entropy(z, y, weight, **options), logits, labels)


class BinaryCrossEntropy:
    """``torch.nn.functional.binary_cross_entropy_with_logits``."""

    def __init__(self, reduction="mean"):
        self.reduction = reduction

    def __call__(self, logits, labels):
        return of_arrays(
            lambda x, t: F.binary_cross_entropy_with_logits(x, t, reduction=self.reduction), logits, labels
        )


CLASSES = {
    # class weights times the terms of a mixture; soft and smoothed labels by no other convention
    "soft_weight": ("torch",),
    # labels are int64 (or uint8); every ignore_index is an int
    "label_dtype": ("int64",),
    "ignore_index": (-100, 255, -1, 0, 1),
}
NOTHING = {
    # a mean over nothing is 0/0 = NaN in PyTorch; the sums over nothing are 0 in both
    "size": ("few", "several", "one", "square", "many"),
    "ignored": ("none", "some", "most"),
    "weight": ("absent", "small", "ones", "tiny"),
}

CROSS_ENTROPY = Subject(
    "cross_entropy",
    CrossEntropy,
    name="torch cross_entropy, sums",
    domain={**CLASSES, "reduction": ("sum", "none")},
    backend="numpy",
)
# In float16 PyTorch 2.13 is wrong: the sum of 240 losses overflows before the mean divides it, and 1 / W does for
# weights of 1e-6.
MEAN_CROSS_ENTROPY = Subject(
    "cross_entropy",
    CrossEntropy,
    name="torch cross_entropy, means",
    domain={**CLASSES, **NOTHING, "reduction": ("mean",), "dtype": ("float64", "float32")},
    backend="numpy",
)
UNFOCUSED = {"gamma": (0,), "alpha": (None,)}
BINARY_CROSS_ENTROPY = Subject(
    "sigmoid_focal",
    BinaryCrossEntropy,
    name="torch binary_cross_entropy, sums",
    domain={**UNFOCUSED, "reduction": ("sum", "none")},
    backend="numpy",
)
MEAN_BINARY_CROSS_ENTROPY = Subject(
    "sigmoid_focal",
    BinaryCrossEntropy,
    name="torch binary_cross_entropy, means",
    domain={**UNFOCUSED, "size": NOTHING["size"], "reduction": ("mean",)},
    backend="numpy",
)
