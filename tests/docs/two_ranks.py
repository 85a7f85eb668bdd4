"""Two ranks of paddle.DataParallel on the CPU: their averaged gradient is that of the whole batch."""

import numpy as np
import paddle

from paddle_impl import CrossEntropyLoss


def rank():
    paddle.distributed.init_parallel_env()
    mine = slice(0, 3) if paddle.distributed.get_rank() == 0 else slice(3, 10)
    rng = np.random.default_rng(0)
    inputs = paddle.to_tensor(rng.normal(size=(10, 4)), dtype="float32")
    all_labels = paddle.to_tensor(rng.integers(0, 3, 10))
    weight = paddle.to_tensor([1.0, 2.0, 0.5])
    layer = CrossEntropyLoss(weight=weight)
    single = paddle.nn.Linear(4, 3)
    network = paddle.DataParallel(single)
    # the ranks begin with the parameters of the first
    layer(single(inputs), all_labels).backward()
    expected = single.weight.grad.numpy().copy()
    network.clear_gradients()
    logits, labels = network(inputs[mine]), all_labels[mine]
    n = paddle.gather(weight, labels).sum()
    paddle.distributed.all_reduce(n)
    loss = layer(logits, labels, normalizer=n / paddle.distributed.get_world_size())
    loss.backward()
    error = np.abs(single.weight.grad.numpy() - expected).max()
    assert error < 1e-6 * np.abs(expected).max() + 1e-7, error


if __name__ == "__main__":
    paddle.distributed.spawn(rank, nprocs=2, backend="gloo")
    print("two ranks agree with one")
