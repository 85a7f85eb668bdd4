"""Losses in NumPy that are sound by a convention other than their contract's, made from the oracles; and wrong ones."""

import numpy as np

from properties import Subject
from reference import cross_entropy, focal, sigmoid_focal


def valid_of(labels, ignore_index):
    return np.ones(labels.shape, bool) if ignore_index is None else labels != ignore_index


DENOMINATORS = {
    "elements": lambda logits, labels, valid: labels.size,
    "batch": lambda logits, labels, valid: labels.shape[0] if labels.ndim else 1,
    "count": lambda logits, labels, valid: valid.sum(),
    "entries": lambda logits, labels, valid: valid.sum() * (logits.size // max(labels.size, 1)),
    "all-entries": lambda logits, labels, valid: logits.size,
    "positives": lambda logits, labels, valid: max((labels[valid] > 0).sum(), 1),
    "one": lambda logits, labels, valid: 1,
}


def answered(answer_of, dtype, over=1.0):
    """What a loss in NumPy returns: its value, and its gradient for any upstream gradient, over a number."""
    with np.errstate(all="ignore"):
        value = np.asarray(np.asarray(answer_of(None).value) / over, dtype=dtype)

        def backward(upstream):
            with np.errstate(all="ignore"):
                return np.asarray(answer_of(np.asarray(upstream, np.float64)).gradient / over, dtype=dtype)

    return value, backward


def divided(oracle, divides, arguments=(), nothing=0.0):
    """A builder of a loss with class weights whose mean divides by a number of its own."""

    def build(weight=None, ignore_index=-100, reduction="mean", axis=1, **own):
        def loss(logits, labels):
            if "axis" not in arguments and labels.dtype.kind != "f":
                raise TypeError(f"targets must be floats, got {labels.dtype}")
            valid = valid_of(labels, ignore_index)

            def answer_of(cotangent):
                how = "sum" if reduction == "mean" else reduction
                told = {"weight": weight} if "weight" in arguments else {}
                told |= {"axis": axis} if "axis" in arguments else {}
                return oracle(
                    logits.astype(np.float64),
                    labels,
                    ignore_index=ignore_index,
                    reduction=how,
                    cotangent=cotangent,
                    **told,
                    **own,
                )

            over = 1.0
            if reduction == "mean":
                number = divides(logits, labels, valid) if callable(divides) else divides
                over = float(number) or (1.0 if nothing == 0.0 else 0.0)
            return answered(answer_of, logits.dtype, over)

        return loss

    return build


OF_CLASSES = ("weight", "ignore_index", "reduction", "axis")
OF_ENTRIES = ("ignore_index", "reduction")


def over(contract, denominator, **more):
    """A loss of a contract over a denominator by name."""
    oracle, names = {
        "cross_entropy": (cross_entropy, OF_CLASSES),
        "focal": (focal, (*OF_CLASSES, "gamma")),
        "sigmoid_focal": (sigmoid_focal, (*OF_ENTRIES, "gamma", "alpha")),
    }[contract]
    build = divided(oracle, DENOMINATORS[denominator], names, more.pop("nothing", 0.0))
    domain = {} if contract == "sigmoid_focal" else {"targets": ("hard",)}
    name = f"{contract}-{denominator}"
    return Subject(contract, build, name=name, arguments=names, backend="numpy", domain=domain, **more)


def padded_focal(epsilon=1e-10, cast=np.float32, share=True, wrong=1.0):
    """A focal loss for images alone that casts its mask, and adds a number to the share of valid elements."""

    def build(gamma=2.0, ignore_index=255):
        def loss(logits, labels):
            assert logits.ndim == 4, logits.shape
            mask = valid_of(labels, ignore_index).astype(cast)
            if share:
                over = labels.size * float(mask.sum(dtype=cast) / cast(max(mask.size, 1)) + cast(epsilon))
            else:
                over = float(mask.sum(dtype=cast) + cast(epsilon))

            def answer_of(cotangent):
                return focal(
                    logits.astype(np.float64),
                    labels,
                    gamma=gamma * wrong,
                    ignore_index=ignore_index,
                    reduction="sum",
                    cotangent=cotangent,
                )

            return answered(answer_of, logits.dtype, float(over) or 1.0)

        return loss

    domain = {"rank": (4,), "ignore_index": (255,), "dtype": ("float64", "float32")}
    return Subject("focal", build, name="padded", arguments=("gamma", "ignore_index"), domain=domain, backend="numpy")


def smoothed_logarithm(epsilon):
    """Cross entropy with a number added to the probability inside the logarithm."""

    def build(reduction="mean"):
        def loss(logits, labels):
            rows = np.moveaxis(logits.astype(np.float64), 1, -1)
            shifted = np.exp(rows - rows.max(-1, keepdims=True))
            p = shifted / shifted.sum(-1, keepdims=True)
            hot = np.eye(p.shape[-1])[labels]
            p_y = (p * hot).sum(-1)
            over = max(labels.size, 1) if reduction == "mean" else 1
            losses = -np.log(p_y + epsilon) / over
            value = losses if reduction == "none" else losses.sum()
            slope = (p_y / (p_y + epsilon))[..., None] * (p - hot) / over

            def backward(upstream):
                return np.moveaxis(slope * np.asarray(upstream)[..., None], -1, 1).astype(logits.dtype)

            return np.asarray(value, logits.dtype), backward

        return loss

    domain = {"rank": (2, 3, 4)}
    return Subject("cross_entropy", build, name="smoothed", arguments=("reduction",), domain=domain, backend="numpy")
