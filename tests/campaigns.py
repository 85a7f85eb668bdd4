"""Campaigns for tests: small ones, whose shards are carried out in the process of the test, at once."""

import pickle
from concurrent.futures import Executor, Future
from dataclasses import replace

from properties.campaigns.campaign import campaign
from properties.campaigns.options import CampaignOptions
from properties.campaigns.shard import fingerprint_of
from properties.subjects.source import source_of
from properties.subjects.source_constants import constants_of
from properties.subjects.target import Target
from properties.workers.inline import Inline

WRONG = Target("tests.mutants.museum.of_paddle:WeightInsideTheLog", "cross_entropy", backend="numpy")
SOUND = Target("tests.mutants.museum.classes:CrossEntropy", "cross_entropy", backend="numpy")
LAWS = ("oracle/value", "oracle/gradient", "weights/scaling")

_RESULTS = {}
_PERFORMERS = {}


class Canned(Executor):
    """Carries out shards in this process, each of them once for all campaigns; interrupts after so many."""

    def __init__(self, until=None):
        self.done, self._until = [], until

    def submit(self, function, shard, *rest):
        if self._until is not None and len(self.done) >= self._until:
            raise KeyboardInterrupt
        self.done.append(shard.id)
        future = Future()
        key = pickle.dumps(shard)
        if key not in _RESULTS:
            _RESULTS[key] = carried_out(shard)
        future.set_result(_RESULTS[key])
        return future


def carried_out(shard):
    """What ``run_shard`` does, without a process."""
    inline = _PERFORMERS.setdefault(shard.target.text, Inline(shard.target))
    said = {"id": shard.id, "kind": shard.kind, "seconds": 0.0}
    if shard.kind == "describe":
        source = source_of(shard.target.load())
        constants = list(constants_of(source))
        return {**said, "description": inline.describe(), "constants": constants, "fingerprint": fingerprint_of(source)}
    if shard.kind == "infer":
        return {**said, "inferred": inline.infer(shard.inquiry)}
    # repetitions take processes of their own
    result = inline.run(replace(shard.task, repetitions=0), lambda examples: None)
    return {**said, "asked": shard.task.max_examples, **result.to_record()}


def run(directory, executor, targets=(WRONG, SOUND), **options):
    """Every event of a campaign."""
    asked = CampaignOptions(str(directory), **{"max_examples": 40, "only": LAWS, **options})
    return list(campaign(targets, asked, executor, slots=2))
