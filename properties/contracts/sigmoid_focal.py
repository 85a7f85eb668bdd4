"""Contract of the focal loss over a sigmoid."""

from collections.abc import Mapping
from typing import Any

from properties.contracts import _entrywise as entries
from properties.contracts.focal import GAMMA
from properties.departures import of_entries, of_sigmoid_focal
from properties.departures.entry_parts import entry_parts
from properties.departures.of_broadcast import OF_BROADCAST
from properties.departures.of_labels import OF_TARGETS
from properties.departures.of_rows import OF_ROWS
from properties.judging.assumptions import reading
from properties.judging.contract import Contract
from properties.judging.kernel_formula import Arguments, KernelFormula, KernelLosses
from properties.laws.ignore import ignored_ids
from properties.laws.limits import entry_cross_entropy_of, ids_are_one_hot, limit
from properties.laws.sigmoid import symmetry
from properties.laws.weights import element_weights, entry_weights
from properties.problems.dimensions import DENOMINATOR, LABEL_WEIGHT
from properties.problems.domain import Dimension, within
from reference import sigmoid_focal

HALF = limit(
    "gamma-zero-is-half-the-binary-cross-entropy",
    "With gamma 0 and alpha 1/2 the loss is half the binary cross entropy.",
    {"gamma": (0, 0.0), "alpha": (0.5,)},
    lambda problem: entry_cross_entropy_of(problem, 0.5),
    needs=("gamma", "alpha"),
    rests_on="alpha_t (1 - p_t)^0 BCE = BCE / 2 for alpha = 1/2",
)

# the mirror of an alpha must be one that may be asked for
SYMMETRY = symmetry(("alpha=0.25", "alpha=0.75"), alpha=within(0.25, 0.5, 0.75))


def without_gamma(values: Mapping[str, Any]) -> str:
    """The name of what is left where gamma is 0."""
    if values.get("gamma") != 0:
        return ""
    known = {None: "binary cross entropy", 0.5: "half the binary cross entropy"}
    return known.get(values.get("alpha", "drawn"), "binary cross entropy weighted by alpha")


def modulated(of: KernelLosses) -> Any:
    """Binary cross entropy times alpha_t (1 - p_t)^gamma."""
    t, gamma, alpha = of.targets, float(of.arguments["gamma"]), of.arguments["alpha"]
    p, rest = of.operations.sigmoid(of.logits), of.operations.sigmoid(-of.logits)
    losses = of.operations.power(p * (1.0 - t) + rest * t, gamma) * of.losses
    return losses if alpha is None else losses * (alpha * t + (1.0 - alpha) * (1.0 - t))


def _for_the_kernel(given: Arguments, soft: bool) -> dict[str, Any] | None:
    """The arguments of the kernel that is the whole loss; None where it has none for what is asked."""
    masked = given.get("label_weight") is not None or given["weight"] is not None
    if masked or given["alpha"] is None or given.get("denominator") == "count":
        return None
    return {"normalizer": given.get("normalizer"), **{name: given[name] for name in ("alpha", "gamma", "reduction")}}


KERNEL = {"paddle.nn.functional.sigmoid_focal_loss": _for_the_kernel}

ARGUMENTS = (
    GAMMA,
    Dimension(
        "alpha",
        (0.25, 0.5, 1.0, 0.0, 0.75),
        accepts=lambda v: v is None or (isinstance(v, (int, float)) and 0.0 <= v <= 1.0),
        expected="numbers in [0, 1] or None",
        absent=0.25,
        always_shown=True,
    ),
    DENOMINATOR,
)

CONTRACT = Contract(
    name="sigmoid_focal",
    sentence="Focal loss over a sigmoid: alpha_t (1 - p_t)^gamma times the binary cross entropy of every entry.",
    promises=(*entries.PROMISES, "additive", "repetition"),
    oracle=sigmoid_focal,
    arguments=ARGUMENTS,
    common=(*entries.common(("binary", "binary", "probability")), LABEL_WEIGHT),
    call_arguments=("label_weight", "normalizer", "element_weight"),
    gradient="live",
    kernel_formula=KernelFormula(modulated, whole=KERNEL),
    bases=(entry_cross_entropy_of,),
    departures=(*of_sigmoid_focal.OF_SIGMOID_FOCAL, *of_entries.OF_ENTRIES, *OF_TARGETS, *OF_ROWS, *OF_BROADCAST),
    parts=entry_parts(of_sigmoid_focal.focused_entries),
    inside=of_entries.INSIDE | of_sigmoid_focal.INSIDE_ENTRIES,
    own=(HALF, ids_are_one_hot, entry_weights, ignored_ids, SYMMETRY, element_weights),
    without=entries.WITHOUT,
    precise=True,
    essential=(("gamma",),),
    reads=reading("sigmoid focal loss", equals=without_gamma, arguments=ARGUMENTS),
    bad_arguments={
        "gamma": (-1.0, float("nan"), float("inf"), "two"),
        "alpha": (1.5, -0.25, float("nan"), "half"),
        "denominator": ("batch",),
    },
)
