"""Cross entropy and focal losses of pixels, called as toolboxes of segmentation call them."""

import numpy as np
import paddle

from tests.losses.calling_styles.parts import ClassLoss, focal_of, log_softmax, narrowed, rows_of, widened, without
from tests.mutants.museum.checks import known


class PixelCrossEntropy(ClassLoss):
    """Takes logits [N, C, H, W] alone, and class weights in a list."""

    def __init__(self, class_weight=None, ignore_label=255, reduction="mean"):
        super().__init__(class_weight, ignore_label, reduction)

    def forward(self, logit, label):
        assert logit.ndim == 4, "logits must be of shape [N, C, H, W]"
        assert label.ndim == 3, "labels must be of shape [N, H, W]"
        return self.of_elements(logit, label)


class PixelCrossEntropyOfAll(PixelCrossEntropy):
    """Its mean divides by the pixels that are ignored, too."""

    def divisor(self, losses, weights, valid):
        return weights.sum()


class ChannelsLast(ClassLoss):
    """The classes are along the last axis; class weights are an array."""

    forms = (np.ndarray,)

    def forward(self, input, label):
        return self.of_elements(input, label, -1)


class ChannelsLastFirstClass(ChannelsLast):
    """What is ignored counts in the mean as an element of the first class."""

    def divisor(self, losses, weights, valid):
        return weights.sum()


class LabelMaps(ClassLoss):
    """Labels keep their channel axis, [N, 1, H, W]; class weights are a Tensor."""

    forms = (paddle.Tensor,)

    def forward(self, pred, target):
        assert pred.ndim == target.ndim == 4
        if target.shape[1] != 1:
            raise ValueError(f"target must have one channel, got {target.shape[1]}")
        return self.of_rows(rows_of(pred), target.astype("int64").flatten(), target.shape)


class LabelMapsBroadcast(LabelMaps):
    """Losses [N, H, W] times a mask [N, 1, H, W]: every image is masked by every other."""

    def forward(self, pred, target):
        assert pred.ndim == target.ndim == 4
        ids = target.astype("int64")
        valid = self.valid(ids)
        rows = widened(rows_of(pred))
        flat = paddle.where(valid, ids, paddle.zeros_like(ids)).flatten()
        counted = self.weights(flat, rows).reshape(target.shape) * valid.astype(rows.dtype)
        losses = self.losses(rows, flat).reshape([target.shape[0], *target.shape[2:]]) * counted
        if self.reduction == "none":
            return narrowed(losses, pred.dtype)
        mean = losses.mean() / counted.mean().clip(min=1e-12)
        return narrowed(losses.sum() if self.reduction == "sum" else mean, pred.dtype)


class TrailingAxis(ClassLoss):
    """Labels have a last axis of length 1, [N, H, W, 1]; what comes back is the loss and the log-probabilities."""

    def forward(self, x, label):
        assert x.ndim > 1
        if label.shape != [x.shape[0], *x.shape[2:], 1]:
            raise ValueError(f"labels of shape {[x.shape[0], *x.shape[2:], 1]} are due, got {label.shape}")
        rows = rows_of(x)
        return self.of_rows(rows, label.astype("int64").flatten(), label.shape), log_softmax(widened(rows))


class TrailingAxisCountsLosses(TrailingAxis):
    """Its mean divides by the number of losses that are not 0."""

    def divisor(self, losses, weights, valid):
        return (losses > 0).astype(losses.dtype).sum()


class OneHot(ClassLoss):
    """Labels are rows of zeros and ones in the shape of the logits."""

    def __init__(self, reduction="mean"):
        super().__init__(None, None, reduction)

    def forward(self, inputs, labels):
        if labels.shape != inputs.shape:
            raise ValueError(f"one-hot labels of shape {inputs.shape} are due, got {labels.shape}")
        if not np.isin(known(labels.astype("float64")), (0.0, 1.0)).all():
            raise ValueError("one-hot labels are due, got rows of other numbers than 0 and 1")
        axis = min(1, inputs.ndim - 1)
        return self.of_rows(rows_of(inputs, axis), rows_of(labels, axis).argmax(axis=1), without(inputs.shape, axis))


class OneHotOverEntries(OneHot):
    """Its mean is over entries, of which there are C for every element."""

    def forward(self, inputs, labels):
        self.classes = inputs.shape[min(1, inputs.ndim - 1)]
        return super().forward(inputs, labels)

    def divisor(self, losses, weights, valid):
        return super().divisor(losses, weights, valid) * self.classes


class OfProbabilities(ClassLoss):
    """Takes probabilities, as they come from a softmax."""

    def forward(self, prob, label):
        total = prob.detach().sum(axis=min(1, prob.ndim - 1))
        if (np.abs(known(total.astype("float64")) - 1) > 0.02).any():
            raise ValueError("probabilities must sum to 1")
        return self.of_elements(prob, label)

    def losses(self, rows, ids):
        return -self.logarithm(paddle.take_along_axis(rows, ids.unsqueeze(1), 1).squeeze(1))

    def logarithm(self, p):
        return p.log()


class OfProbabilitiesWithFloor(OfProbabilities):
    """Adds a hundredth to every probability."""

    def logarithm(self, p):
        return (p + 0.01).log()


class LabelsFirst(ClassLoss):
    """Labels come before logits, and are int32."""

    def __init__(self, gamma=2.0, ignore_index=-100, reduction="mean"):
        super().__init__(None, ignore_index, reduction)
        self.gamma = gamma

    def forward(self, labels, logits):
        if labels.dtype != paddle.int32:
            raise TypeError(f"labels must be int32, got {labels.dtype}")
        return self.of_elements(logits, labels)

    def losses(self, rows, ids):
        return focal_of(super().losses(rows, ids), self.gamma)


class LabelsFirstDetached(LabelsFirst):
    """No gradient flows through the modulating factor."""

    def losses(self, rows, ids):
        found = ClassLoss.losses(self, rows, ids)
        return (1 - (-found.detach()).exp()) ** self.gamma * found


class InADict(ClassLoss):
    """What comes back is {'loss': ...}."""

    def forward(self, logits, labels):
        return {"loss": self.of_elements(logits, labels)}


class InADictOverflows(InADict):
    """Takes exponentials of logits as they are."""

    def losses(self, rows, ids):
        return rows.exp().sum(axis=1).log() - paddle.take_along_axis(rows, ids.unsqueeze(1), 1).squeeze(1)


class TwoTerms(ClassLoss):
    """Several Tensors come back: the cross entropy, a regulariser, and which pixels were right."""

    def forward(self, logits, labels):
        found, rows = self.of_elements(logits, labels), rows_of(logits, min(1, logits.ndim - 1))
        entropy = (log_softmax(widened(rows)).exp() * log_softmax(widened(rows))).sum()
        return {"accuracy": (rows.argmax(axis=1) == 0).astype("float32").mean(), "ce": found, "entropy": entropy}


class TwoTermsMixed(TwoTerms):
    """The regulariser is in the cross entropy already."""

    def forward(self, logits, labels):
        found = super().forward(logits, labels)
        return {**found, "ce": found["ce"] + 0.4 * found["entropy"].astype(found["ce"].dtype)}


class SingleFocal(ClassLoss):
    """Takes float32 alone; ``alpha`` is a list of class weights."""

    def __init__(self, gamma=2.0, alpha=None, ignore_index=255, reduction="mean"):
        super().__init__(alpha, ignore_index, reduction)
        self.gamma = gamma

    def forward(self, logit, label):
        if logit.dtype != paddle.float32:
            raise TypeError(f"logits must be float32, got {logit.dtype}")
        return self.of_elements(logit, label)

    def losses(self, rows, ids):
        return focal_of(super().losses(rows, ids), self.gamma)


class SingleFocalByCount(SingleFocal):
    """Its mean divides by the number of valid elements, whatever their alpha: sound where that is claimed."""

    def divisor(self, losses, weights, valid):
        return valid.sum()


class SingleFocalOfSquare(SingleFocal):
    """The modulating factor is 1 - p^gamma."""

    def losses(self, rows, ids):
        found = ClassLoss.losses(self, rows, ids)
        return (1 - (-found * self.gamma).exp()) * found


class FloatLabels(ClassLoss):
    """Labels are float32, as a data loader makes them of masks."""

    whole = False

    def forward(self, logits, labels):
        if labels.dtype != paddle.float32:
            raise TypeError(f"labels must be float32, got {labels.dtype}")
        return self.of_elements(logits, labels)


class FloatLabelsWithoutBackground(FloatLabels):
    """Class 0 is taken for a background that does not count."""

    def valid(self, ids):
        return super().valid(ids) & (ids > 0)
