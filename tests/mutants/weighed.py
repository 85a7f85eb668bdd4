"""Weights of single elements, for the sound losses that take them with the call."""


class WeighsElements:
    """Mixed into a loss of a softmax."""

    def forward(self, logits, labels, normalizer=None, element_weight=None):
        losses, weight, valid, shape = self.elements(logits, labels)
        if element_weight is not None:
            losses, weight = self.weighed(losses, weight, element_weight.flatten().astype(losses.dtype))
        return self.narrowed(self.reduce(losses, weight, valid, shape, normalizer), self.result_dtype(logits))

    def weighed(self, losses, weight, element_weight):
        """The losses, and what they count in the denominator."""
        return losses * element_weight, weight
