"""Files are whole or not there."""

import pytest

from renorm.core.errors import FileError
from renorm.report import write_whole
from renorm.report._files import whole
from renorm.report._numbers import decimals, printable


def interrupted(path):
    with whole(path) as temporary:
        temporary.write_text("half")
        assert path.read_text() == "old"
        raise KeyboardInterrupt


def test_old_file_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "r.html"
    write_whole(path, "old")
    with pytest.raises(KeyboardInterrupt):
        interrupted(path)
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["r.html"]
    write_whole(path, "new \ud800")
    assert path.read_text(encoding="utf-8") == "new \\ud800"


def test_places_that_cannot_be_written_are_named(tmp_path):
    with pytest.raises(FileError, match="the folder"):
        write_whole(tmp_path / "no" / "r.html", "x")
    with pytest.raises(FileError, match="a folder"):
        write_whole(tmp_path, "x")


def test_decimals_show_a_tenth_of_the_rope():
    assert [decimals(r) for r in (0.01, 0.77, 250.0, 0.0, 1e-30)] == [3, 2, 0, 4, 12]


def test_control_characters_do_not_reach_the_terminal():
    assert printable("a\x1b[31m\n\u202eb") == "a\ufffd[31m\ufffd\ufffdb"
    assert len(printable("x" * 10**6)) < 300
