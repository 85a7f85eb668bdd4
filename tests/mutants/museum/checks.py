"""What the sound losses refuse: each check raises a ValueError or TypeError that names the bad value."""

import math

import numpy as np
import paddle


def known(tensor):
    """A tensor's numbers; in a program there are none to look at yet, and so none that are wrong."""
    return tensor.numpy() if paddle.in_dynamic_mode() else np.zeros(0)


def check_choice(name, value, choices):
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


def check_number(name, value, low=0.0, high=math.inf):
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not (math.isfinite(value) and low <= value <= high):
        raise ValueError(f"{name} must be a finite number in [{low}, {high}], got {value!r}")


def check_finite(name, array):
    """Every number of an array is finite and >= 0."""
    bad = array[~(np.isfinite(array) & (array >= 0))]
    if bad.size:
        raise ValueError(f"{name} must be finite and >= 0, got {bad.flatten()[0]}")


def check_classes(labels, classes, ignore_index):
    """Every label is a class or ignored."""
    ignored = np.zeros(labels.shape, bool) if ignore_index is None else labels == ignore_index
    bad = labels[~ignored & ((labels < 0) | (labels >= classes))]
    if bad.size:
        raise ValueError(f"labels must lie in [0, {classes}), got {bad.flatten()[0]}")


def check_unit(name, array):
    """Every number of an array lies in [0, 1]."""
    bad = array[~((array >= 0) & (array <= 1))]
    if bad.size:
        raise ValueError(f"{name} must lie in [0, 1], got {float(bad.flatten()[0])}")


def fits(expected, got):
    """Whether two shapes agree; a size that a program learns when it runs is no int, and agrees with any."""
    if len(expected) != len(got):
        return False
    known = [k for k in range(len(got)) if isinstance(expected[k], int) and isinstance(got[k], int)]
    return all(expected[k] == got[k] for k in known)


def check_shape(name, expected, got):
    if not fits(expected, got):
        raise ValueError(f"{name} must have shape {list(expected)}, got {list(got)}")


def check_normalizer(normalizer, reduction):
    if normalizer is None:
        return
    check_number("normalizer", normalizer)
    if reduction != "mean":
        raise ValueError(f"normalizer is for reduction='mean', got {reduction!r}")


def check_bins(bins):
    if isinstance(bins, bool) or not isinstance(bins, (int, float)):
        raise TypeError(f"bins must be an int or a float, got {bins!r}")
    if not (bins >= 1 if isinstance(bins, int) else 0 < bins <= 1):
        raise ValueError(f"bins must be an int >= 1 or a float in (0, 1], got {bins!r}")


def check_portion(top_k, k):
    """A fraction or a number of elements, not both."""
    if top_k is not None and k is not None:
        raise ValueError(f"give top_k or k, got {top_k!r} and {k!r}")
    if k is not None and (isinstance(k, bool) or not isinstance(k, int)):
        raise TypeError(f"k must be an int >= 1, got {k!r}")
    if k is not None and k < 1:
        raise ValueError(f"k must be an int >= 1, got {k!r}")
    if top_k is None:
        return
    if isinstance(top_k, bool) or not isinstance(top_k, (int, float)):
        raise TypeError(f"top_k must be a fraction in (0, 1], got {top_k!r}")
    if not 0 < top_k <= 1:
        raise ValueError(f"top_k must be a fraction in (0, 1], got {top_k!r}")
