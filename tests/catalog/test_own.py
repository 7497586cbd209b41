"""Models of one's own: they add, they override, and a broken file is told and left out."""

from pathlib import Path

from tui.catalog.load import bundled, with_user_families

FAMILY = """
name = "{name}"
provider = "Me"
service = "mine"
[params.prompt]
kind = "text"
required = true
[[models]]
slug = "{slug}"
action = "text_to_image"
title = "Mine"
price = {{ cents = 3 }}
[models.routes]
service = ["prompt"]
"""


def test_without_files_it_is_the_bundled_catalog(tmp_path: Path) -> None:
    assert with_user_families(tmp_path) == (bundled(), ())


def test_a_family_is_added_and_stands_first(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(FAMILY.format(name="Mine", slug="mine-1"))
    catalog, problems = with_user_families(tmp_path)
    assert problems == ()
    assert catalog.families[0].name == "Mine"
    assert len(catalog.models) == len(bundled().models) + 1


def test_a_family_of_the_same_name_takes_the_bundled_ones_place(tmp_path: Path) -> None:
    (tmp_path / "z.toml").write_text(FAMILY.format(name="Z Image", slug="z-image-2"))
    catalog, _ = with_user_families(tmp_path)
    assert catalog.get("text_to_image", "z-image") is None
    assert catalog.find("z-image-2").provider == "Me"


def test_a_model_of_the_same_slug_takes_the_bundled_ones_place(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(FAMILY.format(name="Mine", slug="imagen-4"))
    catalog, _ = with_user_families(tmp_path)
    assert catalog.find("imagen-4").provider == "Me"
    assert len(catalog.models) == len(bundled().models)


def test_a_broken_file_is_told_with_its_line_and_the_rest_goes_on(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.toml").write_text(
        FAMILY.format(name="A", slug="a").replace("required", "requird")
    )
    (tmp_path / "b.toml").write_text(FAMILY.format(name="B", slug="b"))
    catalog, problems = with_user_families(tmp_path)
    assert catalog.find("b").title == "Mine"
    assert len(problems) == 1
    assert problems[0].startswith(f"{tmp_path / 'a.toml'}:7: ")
    assert "requird" in problems[0]


def test_a_file_that_is_nested_without_end_is_told(tmp_path: Path) -> None:
    (tmp_path / "deep.toml").write_text("x = " + "[" * 9999)
    _, problems = with_user_families(tmp_path)
    assert problems == (f"{tmp_path / 'deep.toml'}: nested too deeply",)
