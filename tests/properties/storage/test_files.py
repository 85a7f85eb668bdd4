"""Files: whole or not at all, never through a link, never over what somebody else made."""

import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from properties.errors import UsageError
from properties.storage.files import Folder, ForeignFileError, read_bounded, require_writable, write_whole


def test_a_file_is_written_and_replaced(tmp_path):
    path = tmp_path / "file"
    write_whole(path, "one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["file"]
    with Folder(tmp_path) as folder, pytest.raises(FileExistsError):
        folder.write("file", "three", replace=False)
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("where", ["file", "nowhere", "folder"])
def test_a_link_is_not_followed(where, tmp_path):
    """Neither to a file, nor to one that is not there yet, nor to a folder."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / where)
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(ForeignFileError, match="is a link"):
        write_whole(tmp_path / "link", "x")
    with pytest.raises(UsageError):
        require_writable(tmp_path / "link", lambda begin: True, "certificate")
    with Folder(tmp_path) as folder:
        for flags in (os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, os.O_RDWR | os.O_CREAT | os.O_APPEND):
            with pytest.raises(ForeignFileError, match="is a link"):
                folder.open("link", flags)
        with pytest.raises(ForeignFileError, match="is a link"):
            folder.subfolder("link", make=True)
        folder.remove("link")
    assert (tmp_path / "file").read_text() == "mine"
    assert sorted(os.listdir(tmp_path)) == [name for name in before if name != "link"]


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with Folder(tmp_path) as folder:
        for name in ("pipe", "folder"):
            with pytest.raises(ForeignFileError):
                folder.open(name, os.O_WRONLY)
            with pytest.raises(ForeignFileError):
                folder.write(name, "x")
        for name in ("", ".", "..", "a/b", "/etc/passwd", "a\0b"):
            with pytest.raises(ValueError, match="must be plain"):
                folder.write(name, "x")


def test_a_folder_that_is_moved_away_is_still_the_one(tmp_path):
    """What is written goes where the folder is, whatever stands under its name by now."""
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    with Folder(tmp_path / "one") as folder:
        (tmp_path / "one").rename(tmp_path / "moved")
        (tmp_path / "one").symlink_to(tmp_path / "other")
        folder.write("file", "x")
    assert os.listdir(tmp_path / "other") == []
    assert os.listdir(tmp_path / "moved") == ["file"]


def test_no_space_leaves_the_file_that_was_there(tmp_path):
    """Limits on the size of a file stand for a full disk: what was there stays whole, and nothing is left beside."""
    path = tmp_path / "file"
    path.write_text("old")
    program = (
        "import resource, signal, sys; from properties.storage.files import write_whole\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n    write_whole(sys.argv[1], 'x' * 100_000)\nexcept OSError as error:\n    print(error.strerror)"
    )
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True)
    assert done.stdout.strip() == "File too large", done.stderr
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE) != (4096, 4096)


def test_a_place_is_tried_before_the_work(tmp_path):
    def is_ours(begin):
        return begin.startswith(b"ours")

    for name, content in (("ours", "ours 1"), ("empty", "")):
        (tmp_path / name).write_text(content)
        require_writable(tmp_path / name, is_ours, "certificate")
        assert (tmp_path / name).read_text() == content
    require_writable(tmp_path / "new", is_ours, "certificate")
    require_writable("/dev/null", is_ours, "certificate")
    (tmp_path / "source.py").write_text("import this")
    with pytest.raises(UsageError, match=r"source\.py is there already and is no certificate"):
        require_writable(tmp_path / "source.py", is_ours, "certificate")
    for name in ("nowhere/file", "source.py/file", "x" * 300):
        with pytest.raises(UsageError, match="cannot be written"):
            require_writable(tmp_path / name, is_ours, "certificate")
    assert sorted(os.listdir(tmp_path)) == ["empty", "ours", "source.py"]


def test_a_stream_is_written_to(tmp_path):
    """A device or the command's own output is no file to be replaced."""
    write_whole("/dev/null", "x")
    out = tmp_path / "out"
    program = "import sys; from properties.storage.files import write_whole; print('a', flush=True)\n"
    program += "write_whole('/dev/stdout', 'b\\n'); print('c')"
    with out.open("w") as file:
        subprocess.run([sys.executable, "-c", program], stdout=file, check=True)
    assert out.read_text() == "a\nb\nc\n"


def test_reading_is_bounded(tmp_path):
    (tmp_path / "file").write_bytes(b"x" * 100)
    assert read_bounded(tmp_path / "file", 100) == b"x" * 100
    with pytest.raises(ValueError, match="more than 99 bytes"):
        read_bounded(tmp_path / "file", 99)
    with pytest.raises(ValueError, match="more than 10 bytes"):
        read_bounded("/dev/zero", 10)
    with Folder(tmp_path) as folder, pytest.raises(ValueError, match="more than 99 bytes"):
        folder.read("file", 99)


def test_a_new_file_has_the_mode_asked_for(tmp_path):
    with Folder(tmp_path) as folder:
        folder.write("key", b"x", mode=0o600)
    assert stat.S_IMODE(Path(tmp_path, "key").stat().st_mode) == 0o600
