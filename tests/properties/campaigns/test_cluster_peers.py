"""What the peers of a cluster may do: connect over TLS with a certificate, and send what is no answer."""

import contextlib
import shutil
import socket
import subprocess
import time

import pytest
from click.testing import CliRunner

from properties.campaigns.shard import Shard
from properties.command.cli import main
from properties.subjects.target import UsageError
from properties.workers.limits import Limits
from tests.campaigns import SOUND

pytest.importorskip("distributed", reason="Dask, of the extra `cluster`, is not installed")

from properties.campaigns import dask_cluster as clusters
from properties.campaigns.dask_cluster import OPEN, Tls, cluster
from tests.properties.campaigns import test_dask_cluster as dask

near, start = dask.near, dask.start


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """An authority, and certificates of it and of another one: each as (authority, certificate, key)."""
    if shutil.which("openssl") is None:
        pytest.skip("makes its certificates with openssl, which is not installed")
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*words):
        subprocess.run(
            ["openssl", *words], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    found = {}
    for name in ("ours", "theirs"):
        new = ("-newkey", "rsa:2048", "-nodes", "-days", "2")
        openssl("req", "-x509", *new, "-keyout", f"{name}-ca.key", "-out", f"{name}-ca.pem", "-subj", f"/CN={name}")
        openssl("req", *new[:3], "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", "/CN=localhost")
        signed = ("-CA", f"{name}-ca.pem", "-CAkey", f"{name}-ca.key", "-CAcreateserial", "-days", "2")
        openssl("x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.pem")
        found[name] = Tls(*(str(folder / f"{name}{end}") for end in ("-ca.pem", ".pem", ".key")))
    return found


def test_an_encrypted_cluster_takes_who_has_a_certificate(certificates, start, monkeypatch):
    ours = certificates["ours"]
    words = ("--tls-ca-file", ours.ca, "--tls-cert", ours.cert, "--tls-key", ours.key, "--host", "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start("scheduler", *words, "--port", str(port), "--protocol", "tls")
    address = f"tls://127.0.0.1:{port}"
    start("worker", address, *words, "--nthreads", "1", "--no-nanny")

    end = time.monotonic() + 60
    with contextlib.ExitStack() as stack:
        while True:
            try:
                executor = stack.enter_context(cluster(address, ours))
                break
            except UsageError:
                assert time.monotonic() < end
                time.sleep(0.2)
        assert executor.submit(dask.at).result(timeout=20).startswith("tls://")
        assert executor.notes == []

    monkeypatch.setattr(clusters, "CONNECTING", 2.0)
    # a certificate of another authority, none at all, and no encryption
    for other, tls in ((address, certificates["theirs"]), (address, None), (f"tcp://127.0.0.1:{port}", None)):
        with pytest.raises(UsageError, match="nobody answers"), cluster(other, tls):
            pass
    with pytest.raises(UsageError, match="go with --scheduler tls://HOST:PORT"), cluster("tcp://127.0.0.1:1", ours):
        pass


@pytest.mark.parametrize("names", [("ca",), ("ca", "cert"), ("key",)])
def test_the_files_of_a_connection_go_together(names, tmp_path):
    (tmp_path / "file.pem").touch()
    files = [word for name in names for word in (f"--tls-{name}", str(tmp_path / "file.pem"))]
    for more in ((), ("--scheduler", "tls://127.0.0.1:1")):
        result = CliRunner().invoke(main, ["fuzz", "a:B", "--out", str(tmp_path / "out"), *files, *more])
        assert result.exit_code == 2
        assert "go together" in result.output


@pytest.mark.parametrize(
    ("address", "is_open"),
    [
        ("tcp://10.0.0.7:8786", True),
        ("build-farm:8786", True),
        ("tcp://[2001:db8::1]:8786", True),
        ("tcp://127.0.0.1:8786", False),
        ("tcp://localhost:8786", False),
        ("tcp://[::1]:8786", False),
        ("tls://10.0.0.7:8786", False),
    ],
)
def test_a_plain_connection_to_another_machine_is_said(address, is_open):
    assert clusters._is_open(address) == is_open


def test_the_note_is_one_line(near, monkeypatch):
    local, _ = near
    monkeypatch.setattr(clusters, "_is_open", lambda address: True)
    with cluster(local.scheduler_address) as executor:
        (note,) = executor.notes
    assert note == OPEN.format(local.scheduler_address)
    assert "\n" not in note
    assert "can run code on its workers and in this process" in note


SHARD = Shard(0, SOUND, Limits(), "describe")


@pytest.mark.parametrize("answer", [{"id": "other"}, "os.system", {"id": SHARD.id, "description": {"description": {}}}])
def test_what_is_no_answer_is_asked_for_again_and_then_lost(near, answer, monkeypatch):
    _, executor = near
    monkeypatch.setattr(clusters, "run_shard", lying)
    with pytest.raises(RuntimeError, match="sent what is no answer"):
        executor.submit(lying, SHARD, answer).result(timeout=20)


def lying(shard, answer):
    """What a hostile worker sends in the place of a record."""
    return answer


def test_what_a_worker_says_of_itself_is_data(near, monkeypatch):
    local, _ = near
    monkeypatch.setattr(clusters, "packages_text", odd_packages)
    with pytest.raises(UsageError, match="can carry out this campaign") as refused, cluster(local.scheduler_address):
        pass
    assert str(refused.value).isprintable()


def odd_packages():
    return '{"python": "\\u001b[2J"}'
