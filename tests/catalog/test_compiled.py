"""The catalog as it is kept in the cache folder: a faster form, never another content."""

from pathlib import Path

import pytest

from tui.catalog import compiled
from tui.catalog.load import _bundled, bundled

TEXTS = ['name = "a"\nsizes = [1, 2]', 'name = "b"']
JSON = b'[{"name":"a","sizes":[1,2]},{"name":"b"}]'


def test_what_was_kept_is_read_again(tmp_path: Path) -> None:
    assert compiled.as_json(TEXTS, tmp_path / "cache") == JSON
    kept = (tmp_path / "cache" / compiled.NAME).read_bytes()
    (tmp_path / "cache" / compiled.NAME).write_bytes(kept.replace(b"[1,2]", b"[3,4]"))
    assert b"[3,4]" in compiled.as_json(TEXTS, tmp_path / "cache")


def test_other_texts_are_read_anew(tmp_path: Path) -> None:
    compiled.as_json(["name = 1"], tmp_path)
    assert compiled.as_json(TEXTS, tmp_path) == JSON
    assert compiled.as_json(TEXTS, tmp_path) == JSON


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"texts":[]}', b"\xff" * 50])
def test_a_file_that_makes_no_sense_is_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / compiled.NAME).write_bytes(content)
    assert compiled.as_json(TEXTS, tmp_path) == JSON
    assert JSON in (tmp_path / compiled.NAME).read_bytes()


def test_a_folder_that_cannot_be_written_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert compiled.as_json(TEXTS, tmp_path / "file" / "cache") == JSON


def test_a_catalog_that_was_changed_is_not_used(tmp_path: Path) -> None:
    bundled(tmp_path)
    path = tmp_path / compiled.NAME
    path.write_bytes(path.read_bytes().replace(b'"slug":"', b'"slug":7,"title":"', 1))
    _bundled.cache_clear()
    assert bundled(tmp_path).families == bundled().families
