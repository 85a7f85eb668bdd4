"""Contract of cross entropy with hard labels."""

from properties.contract import Contract
from properties.laws.limits import TWO_CLASSES
from reference import cross_entropy

CONTRACT = Contract(
    name="cross_entropy",
    sentence="Cross entropy of a softmax with hard labels; the mean divides by the sum of the valid elements' weights.",
    promises=("oracle", "ignore", "weights", "shape", "softmax", "numerics", "conduct", "refusals", "weighted-mean"),
    oracle=cross_entropy,
    own=(TWO_CLASSES,),
)
