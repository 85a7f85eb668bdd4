"""Scripts go to files of their own: never through a link, never over what is somebody else's."""

import os
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from properties.report.scripts import MARK, write_scripts
from properties.storage.files import ForeignFileError


def cause(law="oracle/value", script="print(1)\n"):
    return SimpleNamespace(law=SimpleNamespace(id=law, script=script))


def test_a_script_is_written_once_and_again_over_itself(tmp_path):
    for text in ("print(1)\n", "print(2)\n"):
        (file,) = write_scripts("Layer", [cause(script=text)], tmp_path / "new" / "folder").values()
        assert file.read_text() == MARK + text
    assert file == tmp_path / "new" / "folder" / "Layer-oracle-value.py"


def test_what_is_somebody_elses_stays(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "Layer-oracle-value.py").symlink_to(victim)
    (folder / "Layer-oracle-value-2.py").write_text("mine too")
    os.mkfifo(folder / "Layer-oracle-value-3.py")
    (folder / "Layer-oracle-value-4.py").mkdir()
    (file,) = write_scripts("Layer", [cause()], folder).values()
    assert file.name == "Layer-oracle-value-5.py"
    assert victim.read_text() == "mine"
    assert (folder / "Layer-oracle-value-2.py").read_text() == "mine too"


def test_a_link_in_the_place_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "scripts").symlink_to("elsewhere")
    with pytest.raises(ForeignFileError, match="is a link"):
        write_scripts("Layer", [cause()], tmp_path / "scripts")
    assert not list((tmp_path / "elsewhere").iterdir())


@given(st.text(st.characters(exclude_categories=())), st.text(st.characters(exclude_categories=())))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_name_makes_a_file_in_the_folder(tmp_path, subject, law):
    (file,) = write_scripts(subject * 50, [cause(law)], tmp_path / "scripts").values()
    assert file.parent == tmp_path / "scripts"
    assert file.is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["scripts"]
