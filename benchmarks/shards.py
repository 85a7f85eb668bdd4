"""What a campaign costs beside its examples: per shard, per record of the journal, per shard that the supervisor takes.

    python -m benchmarks.shards cost [--scheduler ADDRESS]   a shard of one example, here and on a cluster
    python -m benchmarks.shards supervisor [--shards N]      the supervisor alone, with results that cost nothing
    python -m benchmarks.shards scaling [--rounds N] [--examples N]   shards per second of two workers against one

Times are medians; sides that are compared take turns, since the machine is never quiet.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import statistics
import tempfile
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from benchmarks.frame import Command
from properties import Target
from properties.campaigns.campaign import campaign
from properties.campaigns.dask_cluster import cluster
from properties.campaigns.options import CampaignOptions
from properties.campaigns.shard import run_shard
from properties.campaigns.target_schedule import BLOCK, Plan, TargetSchedule
from properties.certificates.events import ShardEnded
from properties.engine.result import LawResult
from properties.runs.certify import chosen_laws
from properties.workers.fork_server import SERVER
from properties.workers.inline import Inline
from properties.workers.limits import Limits
from properties.workers.worker import Worker

SUBJECT = Target("tests.losses.sound_numpy:CROSS_ENTROPY")
SUBJECTS = {
    "NumPy cross entropy": SUBJECT,
    "paddle_impl:FocalLoss": Target("paddle_impl:FocalLoss", "focal"),
}


class Canned(Executor):
    """Answers at once: every law holds over all the examples that were asked for, with a corpus as long as they get."""

    def __init__(self, target):
        self._description = Inline(target).describe()

    def submit(self, fn, shard, directory=None):
        future = Future()
        future.set_result(self.record(shard))
        return future

    def record(self, shard):
        if shard.kind == "describe":
            found = {"description": self._description, "constants": [], "fingerprint": "0"}
        elif shard.kind == "infer":
            found = {"inferred": {}}
        else:
            used = {"float32": 0.123456, "float64": 0.234567}
            held = LawResult(
                shard.law, "held", shard.task.max_examples, used=0.234567, used_by_dtype=used, corpus=corpus(shard)
            )
            found = {"asked": shard.task.max_examples, **held.to_record()}
        return {"id": shard.id, "kind": shard.kind, **found, "seconds": 10.0}


def corpus(shard, number=8, size=110):
    """Byte strings such as a search hands on: as many and as long as those of real campaigns."""
    seed = hashlib.sha256(shard.id.encode()).digest()
    return tuple((hashlib.sha256(seed + bytes([n])).digest() * 4)[:size] for n in range(number))


def shard_of_nothing(target):
    """The first shard of a law of a target, with one example."""
    course = TargetSchedule(0, target, Plan(seed=0, max_examples=1, limits=Limits(), seconds=60.0))
    record = run_shard(course.describe())
    course.described(record, [info.id for info in chosen_laws(record["description"], (), ())], {})
    return next(course.next())


def timed(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def cost(address, rounds=12):
    for name, target in SUBJECTS.items():
        shard = shard_of_nothing(target)

        def start(target=target):
            worker = Worker(target, 10.0)
            worker.source()
            worker.close()

        run_shard(shard)
        sides = {"start of a worker and its layer": start, "shard of one example, here": lambda s=shard: run_shard(s)}
        if address is None:
            report(name, sides, rounds)
            continue
        with cluster(address) as executor:
            sides["the same on the cluster"] = lambda s=shard, e=executor: e.submit(run_shard, s, None).result()
            sides["nothing on the cluster"] = lambda e=executor: e.submit(len, ()).result()
            sides["a thousand of nothing on the cluster"] = lambda e=executor: many(e)
            # each of its workers has a fork server to start
            for _ in range(2 * executor.slots):
                executor.submit(run_shard, shard, None).result()
            report(name, sides, rounds)


def many(executor, number=1000):
    """What scheduler and client take for shards that cost nothing."""
    for future in [executor.submit(len, ()) for _ in range(number)]:
        future.result()


def report(name, sides, rounds):
    times = {side: [] for side in sides}
    for _ in range(rounds):
        for side, work in sides.items():
            times[side].append(timed(work))
    for side, seconds in times.items():
        print(f"{name}: {side}: median {1e3 * statistics.median(seconds):.0f} ms, best {1e3 * min(seconds):.0f} ms")


def supervisor(shards, lanes=1):
    """Shards per second, bytes per record and memory, with results that cost nothing."""
    with tempfile.TemporaryDirectory() as directory:
        options = CampaignOptions(directory, max_time=36_000.0, lanes=lanes)
        began, done, examples = time.perf_counter(), 0, 0
        marks = {max(shards * percent // 100, 1) for percent in (1, 10, 25, 50, 75, 100)}
        for event in campaign([SUBJECT], options, Canned(SUBJECT), slots=4):
            if not isinstance(event, ShardEnded):
                continue
            done, examples = done + 1, examples + event.examples
            if done in marks:
                seconds = time.perf_counter() - began
                size = Path(directory, "journal.jsonl").stat().st_size
                print(
                    f"{done} shards, {examples:,} examples: {done / seconds:.0f} shards per second, "
                    f"{size / done:.0f} bytes of journal each, VmRSS {resident() / 2**20:.1f} MiB"
                )
            if done == shards:
                break
        began = time.perf_counter()
        again = CampaignOptions(directory, max_time=36_000.0, resume=True)
        events = campaign([SUBJECT], again, Canned(SUBJECT), slots=4)
        next(events)
        print(f"taken up again in {time.perf_counter() - began:.2f} s")
        events.close()


def resident():
    """Bytes of memory of this process."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def scaling(rounds, examples, shards=6):
    """Shards per second with one worker and with two, in turns with processes that only count, and their CPU time."""
    for name, target in SUBJECTS.items():
        work = some_shards(target, shards, examples)
        rates = {1: [], 2: []}
        counts, cores = {1: [], 2: []}, {1: [], 2: []}
        assert run_shard(work[0])["report"]["outcome"] == "held"
        for _ in range(rounds):
            for workers in rates:
                before = taken()
                with ThreadPoolExecutor(workers) as executor:
                    rates[workers].append(shards / timed(lambda e=executor, w=work: list(e.map(run_shard, w))))
                cores[workers].append((taken() - before) / shards)
                counts[workers].append(workers / timed(lambda n=workers: counting(n)))
        print(f"{name}: {per_second(rates)} shards per second; processes that only count: {per_second(counts)}")
        one, two = (statistics.median(found) for found in cores.values())
        print(f"{name}: {one:.2f} s of a core a shard with one worker, {two:.2f} with two")


def taken():
    """Seconds of CPU time of the workers that have ended: descendants of the fork server."""
    fields = Path(f"/proc/{SERVER.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def per_second(rates):
    one, two = (statistics.median(found) for found in rates.values())
    gains = [b / a for a, b in zip(*rates.values(), strict=True)]
    return f"{one:.2f} and {two:.2f}, {two / one:.2f} times as many (pairs {min(gains):.2f} to {max(gains):.2f})"


def counting(processes):
    """So many processes that take a second of a core each."""
    running = [multiprocessing.get_context("fork").Process(target=count) for _ in range(processes)]
    for process in running:
        process.start()
    for process in running:
        process.join()


def count():
    end = time.process_time() + 1.0
    while time.process_time() < end:
        pass


def some_shards(target, number, examples):
    """Blocks of one law as a campaign cuts them, one lane each."""
    course = TargetSchedule(0, target, Plan(0, BLOCK * number, Limits(), 60.0, lanes=number, repetitions=0))
    record = run_shard(course.describe())
    infos = chosen_laws(record["description"], ("oracle/gradient",), ())
    course.described(record, [info.id for info in infos], {})
    # the rounds of gates are left out: nothing is drawn that stands behind one
    course._round, course.shut = 5, frozenset(info.id for info in record["description"].laws if info.gate)
    return [replace(shard, task=replace(shard.task, max_examples=examples)) for shard in course._generation(infos)]


def main():
    parser = Command(__doc__)
    parser.add_argument("what", choices=("cost", "supervisor", "scaling"))
    parser.add_argument("--scheduler")
    parser.numbers(shards=4000, rounds=5, examples=BLOCK)
    given = parser.parse_args()
    if given.what == "cost":
        cost(given.scheduler)
    elif given.what == "supervisor":
        supervisor(given.shards)
    else:
        scaling(given.rounds, given.examples)


if __name__ == "__main__":
    main()
