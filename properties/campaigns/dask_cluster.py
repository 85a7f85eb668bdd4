"""Clusters: a campaign's shards on the workers of a running Dask scheduler, which may join, leave and die."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from properties.campaigns.answers import answer_of, answer_text
from properties.campaigns.executors import ExecutorLost, RemoteExecutor
from properties.campaigns.shard import Shard, run_shard
from properties.certificates.certificate import environment
from properties.subjects.target import Target, UsageError

CONNECTING = 10.0
"""Seconds that a scheduler has to answer, also when the connection to it was lost."""

AHEAD = 2
"""Shards handed out for each thread of the cluster: one runs, the next one waits beside it."""

WATCHING = 1.0
"""Seconds between two updates of the list of workers."""

PATIENCE = 60.0
"""Seconds without a worker after which a campaign ends."""


MOST_ODD = 3
"""Answers to one shard that are none, after which it is lost."""

LONGEST_WORDS = 2000
"""Characters of what a worker says that are shown."""


class UnfitWorker(RuntimeError):  # noqa: N818 - an outcome
    """A worker must not carry out shards of this campaign; the arguments are its address, and why."""


class Tls(NamedTuple):
    """The files of a TLS connection: whose certificates are believed, and this machine's own with its key."""

    ca: str
    cert: str
    key: str


@contextlib.contextmanager
def cluster(address: str, tls: Tls | None = None) -> Iterator[Cluster]:
    """An executor on a running cluster; with ``tls``, or at an address that says so, over an encrypted connection.

    Raises UsageError where Dask is not installed, nobody answers, or no worker can carry out a shard of this campaign.
    """
    try:
        from distributed import Client
    except ImportError:
        raise UsageError("--scheduler needs the extra `cluster`: pip install 'lossproof[cluster]'") from None
    if tls is not None and not address.startswith("tls://"):
        raise UsageError(f"--tls-ca, --tls-cert and --tls-key go with --scheduler tls://HOST:PORT, got {address!r}")
    with _quiet():
        try:
            security = _security(address, tls)
            asyncio.run(_greet(address, security))
            client = Client(address, timeout=CONNECTING, set_as_default=False, security=security)
        except (OSError, TimeoutError, ValueError, ImportError, TypeError, RuntimeError) as error:
            raise UsageError(f"--scheduler: nobody answers at {address!r} ({_first_line(error)})") from None
        with contextlib.closing(client):
            found = Cluster(client, address, _looked_over(client, address))
            if _is_open(address):
                found.notes.append(OPEN.format(address))
            try:
                yield found
            finally:
                found.shutdown(wait=False)


OPEN = (
    "the connection to {} is neither encrypted nor authenticated: whoever can reach that scheduler can run code on its \
workers and in this process; see --scheduler tls://"
)


def _is_open(address: str) -> bool:
    """Whether an address is that of another machine, and its connections are plain."""
    scheme, _, place = address.rpartition("://")
    host = place.rpartition(":")[0].strip("[]")
    return scheme in ("", "tcp", "ws") and host != "localhost" and not host.startswith("127.") and host != "::1"


def _security(address: str, tls: Tls | None) -> Any:
    """The certificates of a connection: those that are named, else those of Dask's own configuration."""
    from distributed.security import Security

    if tls is None:
        return Security(require_encryption=True) if address.startswith("tls://") else Security()
    return Security(tls_ca_file=tls.ca, tls_client_cert=tls.cert, tls_client_key=tls.key, require_encryption=True)


async def _greet(address: str, security: Any) -> None:
    """Connect once and close: a client that cannot connect would spend a long time on closing."""
    from distributed.comm import connect

    comm = await connect(address, timeout=CONNECTING, **security.get_connection_args("client"))
    await comm.close()


def _looked_over(client: Any, address: str) -> dict[str, str]:
    """Return by address why workers are unfit; UsageError where all of them are, or the scheduler is."""
    try:
        client.run_on_scheduler(packages_text)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"--scheduler: the scheduler at {address} reads what it hands on, and needs lossproof for that: "
            f"{_safe(error)}"
        ) from None
    found = client.run(packages_text, on_error="return")
    if not found:
        raise UsageError(f"--scheduler: {address} has no worker; start one by `dask worker {address} --nthreads 1`")
    unfit = {worker: words for worker, one in found.items() if (words := _difference(_told(one), packages()))}
    if len(unfit) == len(found):
        worker, words = next(iter(unfit.items()))
        raise UsageError(f"--scheduler: no worker of {address} can carry out this campaign: {worker} {words}")
    return unfit


class Cluster(RemoteExecutor):
    """Carries out shards on the workers of a Dask cluster that have the packages of this campaign.

    A shard whose worker dies runs again on another one; after several such deaths it is lost.
    """

    def __init__(self, client: Any, address: str, unfit: Mapping[str, str]) -> None:
        self.notes: list[str] = []
        self._client, self._address = client, address
        self._unfit: dict[str, str] = {}
        self._threads: dict[str, int] = client.nthreads()
        self._flying: set[Any] = set()
        self._files: dict[str, dict[str, str]] = {}
        self._lost: ExecutorLost | None = None
        for worker, words in unfit.items():
            self._refuse(worker, words)
        self._loop = client.loop.asyncio_loop
        self._tasks = {asyncio.run_coroutine_threadsafe(self._watch(), self._loop)}

    @property
    def slots(self) -> int:
        """How many shards to hand out at a time: two for each thread of a fit worker."""
        return AHEAD * sum(self._fit.values())

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call a function on one of the workers; a shard takes the file of its target along."""
        packed = [self._packed(each) if isinstance(each, Shard) else each for each in args]
        task = asyncio.run_coroutine_threadsafe(self._carried_out(fn, packed, kwargs), self._loop)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Cancel pending shards; running ones finish, and their results are dropped."""
        for task in list(self._tasks):
            task.cancel()

    @property
    def _fit(self) -> dict[str, int]:
        return {worker: threads for worker, threads in self._threads.items() if worker not in self._unfit}

    async def _carried_out(self, fn: Callable[..., Any], args: list[Any], kwargs: Mapping[str, Any]) -> Any:
        from distributed.client import FutureCancelledError
        from distributed.scheduler import KilledWorker

        shard = args[0] if fn is run_shard else None
        odd = 0
        while True:
            await self._ready()
            # only a preference: should all of these be gone, a worker that is unfit says so itself
            wanted = {"workers": list(self._fit), "allow_other_workers": True} if self._unfit else {}
            future = self._client.submit(_at_work, packages(), fn, *args, **kwargs, **wanted, pure=False)
            self._flying.add(future)
            try:
                sent = await future
            except FutureCancelledError:
                # the scheduler forgot it, or the connection was lost: it is handed out again if there is another one
                continue
            except UnfitWorker as unfit:
                self._refuse(*(*map(_safe, unfit.args), "", "")[:2])
                continue
            except KilledWorker as killed:
                count, last = killed.allowed_failures + 1, killed.last_worker.address
                raise RuntimeError(f"{count} workers of the cluster died while it ran, the last one {last}") from None
            finally:
                self._flying.discard(future)
                future.release()
            try:
                return answer_of(sent, shard)
            except ValueError as error:
                odd += 1
                if odd >= MOST_ODD:
                    raise RuntimeError(f"workers of {self._address} sent what is no answer: {error}") from None

    async def _ready(self) -> None:
        """Wait for a connection and a fit worker; ExecutorLost where that is hopeless."""
        end = time.monotonic() + 2 * CONNECTING
        while self._lost is None and not (self._client.status == "running" and self._fit):
            if self._client.status == "closed" or (self._client.status != "running" and time.monotonic() > end):
                self._lost = ExecutorLost(f"the scheduler at {self._address} does not answer any more. {_SAFE}")
            else:
                await asyncio.sleep(0.1)
        if self._lost is not None:
            raise self._lost

    async def _watch(self) -> None:
        """Keep track of the workers; note it where there is no fit one, and give up where that lasts."""
        since: float | None = None
        while self._lost is None:
            await asyncio.sleep(WATCHING)
            with contextlib.suppress(OSError, AttributeError):
                # the client has no scheduler while it looks for it
                self._threads = dict(await self._client.scheduler.ncores(workers=None))
            if self._fit:
                since = None
                continue
            if since is None:
                since = time.monotonic()
                self.notes.append(f"{self._address} has no fit worker at the moment; waiting {PATIENCE:g} s for one")
            if time.monotonic() - since > PATIENCE:
                self._lost = ExecutorLost(f"{self._address} has had no fit worker for {PATIENCE:g} s. {_SAFE}")
                await self._client.cancel(list(self._flying))

    def _refuse(self, worker: str, words: str) -> None:
        if worker not in self._unfit:
            self._unfit[worker] = words
            self.notes.append(f"no shard is put to the worker {worker}: it {words}")

    def _packed(self, shard: Shard) -> Shard:
        if shard.target.text not in self._files:
            self._files[shard.target.text] = _files(shard.target)
        return replace(shard, files=self._files[shard.target.text])


_SAFE = "What is in the journal is safe: mend that, then go on with --resume"


def _at_work(wanted: Mapping[str, str], fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function on a worker; UnfitWorker where it has other packages, or cannot load a target that others can."""
    from distributed import get_worker

    worker = get_worker().address
    words = _difference(packages(), wanted)
    if words:
        raise UnfitWorker(worker, words)
    try:
        return answer_text(fn(*args, **kwargs))
    except UsageError as error:
        shard = next((each for each in args if isinstance(each, Shard)), None)
        if shard is not None and shard.kind != "describe":
            # one worker has described it, so this one lacks something
            raise UnfitWorker(worker, f"cannot load the target: {error}") from None
        hint = (
            "of a target only its own file travels"
            if shard is not None and shard.files
            else "a target in a package must be importable on every worker"
        )
        raise UsageError(f"{error} (on the worker {worker}: {hint})") from None


@cache
def packages() -> dict[str, str]:
    """Return the versions that decide an outcome, and a hash of lossproof's files: checkouts may share a version."""
    digest = hashlib.sha256()
    for package in ("properties", "reference"):
        root = Path(str(resources.files(package)))
        for path in sorted(root.rglob("*.py")):
            digest.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return {**environment(), "files of lossproof": digest.hexdigest()[:12]}


def packages_text() -> str:
    """Return :func:`packages` as JSON: what a worker says is data."""
    return answer_text(packages())


def _told(found: Any) -> Any:
    """What a worker says of its packages; an exception where it says none."""
    if isinstance(found, BaseException):
        return found
    try:
        return msgspec.convert(answer_of(found, None), dict[str, str])
    except ValueError as error:
        return error


def _difference(found: Any, wanted: Mapping[str, str]) -> str:
    """Return in words how a worker's packages differ from the campaign's; empty where they are the same."""
    if isinstance(found, BaseException):
        return f"cannot import lossproof: {_first_line(found)}"
    names = [name for name in wanted if found.get(name) != wanted[name]]
    return "; ".join(f"has {name} {_safe(found.get(name))}, the campaign {wanted[name]}" for name in names)


def _files(target: Target) -> dict[str, str]:
    """Return the text of a target's file by its name, to be sent to workers; empty where the target is in a package."""
    where = target.text.rpartition(":")[0]
    path = Path(where)
    return {path.name: path.read_text(encoding="utf-8")} if where.endswith(".py") and path.is_file() else {}


def _first_line(error: BaseException) -> str:
    return _safe(f"{type(error).__name__}: {error}".partition("\n")[0])


def _safe(said: Any) -> str:
    """What another machine says, short and without signs that a terminal obeys."""
    text = str(said)[:LONGEST_WORDS]
    return text if text.isprintable() else ascii(text)[1:-1]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence what Dask writes to the terminal: the campaign says what a user must know."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logging.disable(before)
