"""Contract of a loss that no oracle knows: the laws that need none."""

from properties.contracts.cross_entropy import KERNEL
from properties.judging.assumptions import reading
from properties.judging.contract import Contract
from properties.judging.detached_gradient import one_hot_entries
from properties.judging.kernel_formula import KernelFormula
from properties.laws.limits import cross_entropy_of
from properties.laws.oracle_parameters import parameters

CONTRACT = Contract(
    name="free",
    sentence="Any loss of logits and hard labels: what holds for all of them, without an oracle.",
    promises=(
        "oracle",
        "ignore",
        "weights",
        "denominator",
        "shape",
        "numerics",
        "conduct",
        "modes",
        "refusals",
        "arguments",
    ),
    kernel_formula=KernelFormula(whole=KERNEL),
    bases=(cross_entropy_of, one_hot_entries),
    own=(parameters,),
    reads=reading("a loss"),
)
