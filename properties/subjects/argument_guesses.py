"""Argument guesses: which contract argument a layer's argument may be, by its name, annotation and default.

A guess is a question to the user, and no layer is called with one; but a few names mean one thing alone, and are taken.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence

from properties.judging.contract import DERIVED_ARGUMENTS, Contract
from properties.subjects.signature import REQUIRED, UNKNOWN, LayerArgument

ALSO_CALLED: Mapping[str, tuple[str, ...]] = {
    "weight": (
        *("class_weight", "weight_per_class", "ce_weight", "class_w", "w", "cw", "weight_list", "weight_vector"),
        *("class_alpha", "alpha_per_class", "alpha_list", "alpha_t", "alpha", "balance", "balance_weight"),
    ),
    "ignore_index": (
        *("ignore_label", "ignored_label", "ignored_index", "ignore_class", "ignore_value", "ignore", "void_label"),
        *("label_ignore", "void_index", "void_class", "padding_index", "pad_index", "pad_token_index", "padding"),
        *("mask_label", "mask_index", "unlabeled_index", "unlabeled", "invalid_label", "invalid_index"),
    ),
    "reduction": ("reduce", "reduction_mode", "reduction_type", "reduce_mode", "aggregation", "agg", "reducer"),
    "axis": ("dim", "class_axis", "class_dim", "channel_axis", "channel_dim", "softmax_axis", "softmax_dim"),
    "num_classes": ("n_class", "class_num", "nclass", "nclasses", "ncls", "num_cat", "num_categories", "num_label"),
    "label_smoothing": ("smoothing", "label_smooth", "smooth_factor", "smoothing_factor", "smooth", "epsilon", "eps"),
    "gamma": ("focusing", "focus", "focal_gamma", "gamma_focal", "focusing_parameter", "exponent", "power", "g"),
    "alpha": ("balance", "positive_weight", "alpha_pos", "pos_alpha", "balance_factor", "a"),
    "bins": (
        *("num_bin", "nbins", "bin_num", "bin_count", "bin_width", "bin_size", "region", "num_region", "num_interval"),
        *("num_bucket", "bucket", "interval", "unit_region", "histogram_bins", "hist_bins", "num_edges"),
    ),
    "momentum": ("mmt", "ema_decay", "decay", "ema_momentum", "moving_average", "ema_alpha", "alpha", "beta"),
    "mu": ("smooth_mu", "asl_mu", "asl1_mu"),
    "top_k": (
        *("topk", "top_ratio", "top_k_ratio", "topk_ratio", "top_fraction", "keep_ratio", "hard_ratio", "ratio"),
        *("top_percent", "top_k_percent", "fraction", "proportion", "percent", "top_p", "top", "p"),
    ),
    "k": ("top_k", "topk", "num_top", "num_hard", "num_keep", "num_kept", "num_k", "num_selected", "top", "top_n"),
    "individual": ("base_loss", "inner_loss", "loss_type", "individual_loss", "loss_name", "loss", "base"),
    "num_class_list": (
        *("class_count", "count", "class_num_list", "sample_per_class", "num_per_class", "img_num_per_class"),
        *("num_sample_per_class", "class_freq", "class_frequency", "freq", "frequency", "class_sample", "num_list"),
        *("class_size", "image_per_class", "class_histogram", "class_prior_count"),
    ),
    "empty_class_weight": ("empty_weight", "absent_class_weight", "zero_class_weight"),
    "normalizer": (
        *("avg_factor", "average_factor", "normaliser", "num_pos", "num_positive", "norm", "norm_factor", "factor"),
        *("normalization", "normalize_by", "denominator", "divisor", "num_item", "num_element", "num_box", "total"),
        *("loss_normalizer", "num_items_in_batch", "num_instance"),
    ),
    "label_weight": (
        *("mask", "valid", "valid_mask", "label_mask", "weight", "sample_weight", "element_weight", "pixel_weight"),
        *("loss_weight", "target_weight", "loss_mask", "ignore_mask", "anchor_weight", "bbox_weight"),
    ),
}
"""Other names of the contract arguments, the most telling name first."""

SURE: Mapping[str, tuple[str, ...]] = {
    "weight": ("class_weight", "weight_per_class"),
    "ignore_index": ("ignore_label", "ignored_label", "ignored_index"),
    "num_classes": ("class_num", "n_class", "nclass", "nclasses"),
    "axis": ("class_axis", "class_dim"),
    "label_smoothing": ("label_smooth",),
    "bins": ("num_bin", "nbins", "bin_num", "bin_count"),
    "num_class_list": ("class_count", "class_num_list", "sample_per_class", "num_per_class", "num_sample_per_class"),
    "normalizer": ("avg_factor",),
    "top_k": ("top_ratio", "top_k_ratio", "topk_ratio"),
}
"""Names that mean a contract argument and nothing else."""

ABBREVIATED = {
    **dict.fromkeys(("n", "nb", "nr", "number", "nums"), "num"),
    **dict.fromkeys(("cls", "clas", "classes", "clazz"), "class"),
    **dict.fromkeys(("lb", "lbl", "lab", "labels", "target", "targets", "gt"), "label"),
    **dict.fromkeys(("idx", "ind", "id", "indices", "ids"), "index"),
    **dict.fromkeys(("wt", "wts", "wgt", "weights", "weighting"), "weight"),
    **dict.fromkeys(("pixels",), "pixel"),
    **dict.fromkeys(("img", "imgs", "images"), "image"),
    **dict.fromkeys(("counts", "cnt", "cnts"), "count"),
    **dict.fromkeys(("unlabelled",), "unlabeled"),
    **dict.fromkeys(("ignored", "ignoring"), "ignore"),
    **dict.fromkeys(("avg",), "average"),
}

DOUBTFUL = {"label_smoothing": frozenset({"smooth", "epsilon", "eps"})}
"""Names that are as often used for a guard against division by zero; the size of the default says which it is."""

LEAST = 0.01
"""A default below this is a guard against division by zero."""

CLOSE = 0.86
"""The least similarity of two names that are not equal (as difflib measures it)."""

COLLECTIONS = frozenset({"list", "tuple", "sequence", "iterable", "tensor", "ndarray", "array", "arraylike"})
NUMBERS = frozenset({"int", "float", "number", "integral", "real"})
TEXTS = frozenset({"str", "literal"})

LISTED = ("weight", "num_class_list", "label_weight")
"""Contract arguments that have a number for each class or element."""

WRITTEN = ("reduction", "individual")
COUNTED = ("k", "num_classes", "ignore_index", "axis")
FRACTIONS = ("top_k", "momentum", "label_smoothing", "alpha")
"""Contract arguments that are words, whole numbers, and fractions of one."""


def guesses(contract: Contract, arguments: Sequence[LayerArgument]) -> tuple[str, ...]:
    """Return for each argument the contract argument that it may be; '' where it is filled, or where none is similar.

    No two arguments get the same guess, and no guess is a contract argument that already fills another one.
    """
    taken = {argument.fills for argument in arguments}
    scored: list[tuple[float, int, str]] = []
    for place, argument in enumerate(arguments):
        for name in () if argument.fills else _candidates(contract, argument):
            score = _distance(argument.name, name)
            if name not in taken and score is not None and _fits(contract, name, argument):
                scored.append((score, place, name))
    found: dict[int, str] = {}
    # of two contract arguments of equal likeness, the contract's first one
    for _, place, name in sorted(scored, key=lambda one: one[:2]):
        if place not in found and name not in found.values():
            found[place] = name
    return tuple(found.get(place, "") for place in range(len(arguments)))


def sure_guesses(contract: Contract, arguments: Sequence[LayerArgument]) -> dict[str, str]:
    """Return by contract argument the layer's argument that surely is it, of those that nothing fills yet.

    Where two arguments have such a name for the same one, neither is sure.
    """
    taken = {argument.fills for argument in arguments}
    found: dict[str, list[str]] = {}
    for argument in arguments:
        for name in () if argument.fills else _candidates(contract, argument):
            meant = any(_words(argument.name) == _words(other) for other in SURE.get(name, ()))
            if name not in taken and meant and _fits(contract, name, argument):
                found.setdefault(name, []).append(argument.name)
    return {name: written[0] for name, written in found.items() if len(written) == 1}


def _candidates(contract: Contract, argument: LayerArgument) -> tuple[str, ...]:
    """Return the contract arguments that could be given where the argument is."""
    built, called = (*contract.argument_names, *DERIVED_ARGUMENTS), contract.call_arguments
    # a positional-only argument has no name to be mapped by
    return {"function": (*built, *called), "constructor": built, "call": called}.get(argument.given, ())


def _distance(name: str, contracts: str) -> float | None:
    """Return how far a name is from the names of a contract argument, 0 for the same; None where it is too far."""
    names = (contracts, *ALSO_CALLED.get(contracts, ()))
    for place, other in enumerate(names):
        if _words(name) == _words(other) or _squashed(name) == _squashed(other):
            return place / len(names)
    near = [other for other in map(_squashed, names) if len(other) > 4]
    return 2.0 if difflib.get_close_matches(_squashed(name), near, 1, CLOSE) else None


def _words(name: str) -> tuple[str, ...]:
    """Return the words of a name, sorted, without abbreviations, plurals and case."""
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name)]
    return tuple(sorted(ABBREVIATED.get(word, _singular(word)) for word in words if word not in ("of", "the", "in")))


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _squashed(name: str) -> str:
    return name.replace("_", "").lower()


def _fits(contract: Contract, name: str, argument: LayerArgument) -> bool:
    """Return whether an argument's annotation and default are compatible with a guess."""
    default, doubtful = argument.default, argument.name.lower() in DOUBTFUL.get(name, ())
    if doubtful and not (isinstance(default, float) and default >= LEAST):
        return False
    if not _annotation_fits(name, set(re.findall(r"[a-z]+", argument.annotation.lower()))):
        return False
    if default is None or default is REQUIRED or default is UNKNOWN:
        return True
    if name in LISTED:
        return isinstance(default, (list, tuple)) or hasattr(default, "shape")
    if isinstance(default, bool):
        return False
    if name in DERIVED_ARGUMENTS:
        return isinstance(default, int) and default > 0
    if name in contract.call_arguments:
        return isinstance(default, (int, float)) and default > 0
    return isinstance(default, (int, float, str)) and contract.domain.dimensions[name].allows(default)


def _annotation_fits(name: str, said: set[str]) -> bool:
    """Return whether the words of an annotation are compatible with a contract argument."""
    kinds = said & (COLLECTIONS | NUMBERS | TEXTS | {"bool"})
    if not kinds:
        return True
    if name in LISTED:
        return bool(kinds & COLLECTIONS)
    if name in WRITTEN:
        return bool(kinds & TEXTS)
    if name == "normalizer":
        return bool(kinds & (NUMBERS | COLLECTIONS))
    wrong = {"float"} if name in COUNTED else {"int"} if name in FRACTIONS else set()
    return bool(kinds & NUMBERS - wrong)
