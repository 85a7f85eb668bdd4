"""A sum that imports Paddle in the worker, and says which signals of a crash somebody handles there."""

import sys
from pathlib import Path

from properties import Subject
from properties.engine.task import Task
from properties.workers.worker import Worker
from properties.workers.worker_main import CRASHES


def handled(layer, logits, labels):
    import paddle

    status = Path("/proc/self/status").read_text()
    mask = int(status.partition("SigCgt:")[2].split()[0], 16)
    names = [crash.name for crash in CRASHES if mask >> (crash - 1) & 1]
    if names:
        raise RuntimeError(f"handled: {names}")
    return paddle.sum(logits)


if __name__ == "__main__":
    worker = Worker(Subject("free", lambda: None, handled), time_limit=60.0)
    for guard in (False, True):
        result = worker.run(Task("conduct/no-grad", 0, 2, ("float64",), guard=guard), lambda examples: None)
        print(result.outcome, result.finding and result.finding.message)
    worker.stop()
    print("paddle" in sys.modules)
