"""Layers that are right, and called in ways of their own."""

import paddle
from paddle import nn
from paddle.nn import functional


def cross_entropies(logits, labels, axis=1):
    """Cross entropy of each element, exact at any size of the logits."""
    shifted = logits - logits.max(axis=axis, keepdim=True).detach()
    logs = shifted - shifted.exp().sum(axis=axis, keepdim=True).log()
    return -paddle.take_along_axis(logs, labels.unsqueeze(axis), axis).squeeze(axis)


class InADict(nn.Layer):
    """Takes images alone, and returns its loss under a key."""

    def forward(self, logit, label):
        assert logit.ndim == 4, "logit must have 4 axes"
        return {
            "accuracy": (logit.argmax(1) == label).astype("float32").mean(),
            "loss": cross_entropies(logit, label).mean(),
        }


class LabelsFirst(nn.Layer):
    """Takes labels first, one-hot, and returns the probabilities too."""

    def forward(self, label, pred):
        assert label.shape == pred.shape
        shifted = pred - pred.max(axis=-1, keepdim=True).detach()
        logs = shifted - shifted.exp().sum(axis=-1, keepdim=True).log()
        return -(label * logs).sum(-1).mean(), logs.exp()


class OfProbabilities(nn.Layer):
    """Takes probabilities, and class weights as a list."""

    def __init__(self, class_weight=None):
        super().__init__()
        if class_weight is not None and not isinstance(class_weight, list):
            raise TypeError(f"class_weight must be a list, got {type(class_weight).__name__}")
        self.class_weight = class_weight

    def forward(self, probs, target):
        losses = -paddle.take_along_axis(probs, target.unsqueeze(1), 1).squeeze(1).log()
        if self.class_weight is None:
            return losses.mean()
        table = paddle.to_tensor(self.class_weight, dtype=losses.dtype)
        weight = (functional.one_hot(target, probs.shape[1]).astype(losses.dtype) * table).sum(-1)
        return (weight * losses).sum() / weight.sum()


class ClassesLast(nn.Layer):
    """Has its classes along the last axis, and takes int32 labels alone."""

    def forward(self, x, label):
        if label.dtype != paddle.int32:
            raise TypeError(f"label must be int32, got {label.dtype}")
        return cross_entropies(x, label.astype("int64"), -1).mean()


class WithBackground(nn.Layer):
    """Sigmoid focal loss of class ids, the number of classes for the background; its reduction goes with the call."""

    def __init__(self, alpha=0.25, gamma=2.0, loss_weight=1.0):
        super().__init__()
        self.alpha, self.gamma, self.loss_weight = alpha, gamma, loss_weight

    def forward(self, pred, target, reduction="none"):
        hot = functional.one_hot(target, pred.shape[1] + 1).astype(pred.dtype)[:, :-1]
        p = functional.sigmoid(pred)
        right = p * hot + (1 - p) * (1 - hot)
        losses = functional.relu(pred) - pred * hot + (1 + (-pred.abs()).exp()).log()
        balance = self.alpha * hot + (1 - self.alpha) * (1 - hot)
        losses = self.loss_weight * balance * (1 - right) ** self.gamma * losses
        return {"none": lambda x: x, "sum": paddle.sum, "mean": paddle.mean}[reduction](losses)


class LikeSoftLabels(nn.Layer):
    """Takes labels for soft ones where their last axis is as long as there are classes."""

    def forward(self, logits, labels):
        if labels.shape[-1] == logits.shape[1]:
            return -(functional.softmax(labels) * functional.log_softmax(logits)).sum(1).mean()
        return cross_entropies(logits, labels).mean()


class LooksUpIgnored(nn.Layer):
    """Looks up the weights of ignored elements too, and says that their labels are out of range."""

    def __init__(self, weight=None, ignore_index=255):
        super().__init__()
        self.weight, self.ignore_index = weight, ignore_index

    def forward(self, logits, labels):
        valid = labels != self.ignore_index
        losses = cross_entropies(logits, paddle.where(valid, labels, paddle.zeros_like(labels)))
        counted = valid.astype(losses.dtype)
        if self.weight is not None:
            if (labels >= logits.shape[1]).any():
                raise ValueError("a label is out of range")
            hot = functional.one_hot(labels, logits.shape[1]).astype(losses.dtype)
            counted = counted * (hot * self.weight.astype(losses.dtype)).sum(-1)
        total = counted.sum()
        return (losses * counted).sum() / paddle.where(total > 0, total, paddle.ones_like(total))


class TruncatedK(nn.Layer):
    """The mean of the int(ratio * n) largest losses, which raises where that is 0."""

    def __init__(self, top_k=0.5):
        super().__init__()
        self.top_k = top_k

    def forward(self, logits, labels):
        losses = cross_entropies(logits, labels).flatten()
        return paddle.topk(losses, int(self.top_k * losses.shape[0]))[0].mean()


class NoneOfThem(nn.Layer):
    """Never answers."""

    def forward(self, logits, labels):
        return self.tables[labels]


class HardTargets(nn.Layer):
    """Sigmoid focal loss that knows the targets 0 and 1 alone."""

    def __init__(self, gamma=2.0, alpha=0.25, reduction="mean"):
        super().__init__()
        self.gamma, self.alpha, self.reduction = gamma, alpha, reduction

    def forward(self, logits, labels):
        one = labels == 1
        signed = paddle.where(one, logits, -logits)
        losses = functional.relu(-signed) + (1 + (-signed.abs()).exp()).log()
        balance = paddle.where(one, paddle.full_like(logits, self.alpha), paddle.full_like(logits, 1 - self.alpha))
        losses = balance * functional.sigmoid(-signed) ** self.gamma * losses
        return {"none": lambda x: x, "sum": paddle.sum, "mean": paddle.mean}[self.reduction](losses)
