"""Models of one's own: they add, they override, and a broken file is told and left out."""

from pathlib import Path

import pytest

from tui.catalog.load import FAMILIES, bundled, load_family, with_user_families

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


def written(folder: Path, text: str, name: str = "own.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


MINE = FAMILY.format(name="Mine", slug="mine-1")


def test_all_text_is_inert_and_what_is_shown_on_a_line_is_one(tmp_path: Path) -> None:
    evil = r"\u001b]52;c;ZXZpbA==\u0007\u009b31m\u202e"
    text = MINE.replace('title = "Mine"', rf'title = "T\nwo{evil}"\nabout = "b{evil}"')
    text = text.replace(
        "required = true", rf'default = "a\nb{evil}"\nlabel = "L{evil}"'
    )
    written(
        tmp_path, text.replace(r'"\nabout', '"\nabout').replace(r'"\nlabel', '"\nlabel')
    )
    catalog, problems = with_user_families(tmp_path)
    assert problems == ()
    model = catalog.find("mine-1")
    assert (model.title, model.about) == ("T wo", "b")
    param = model.routes["service"].params[0]
    assert (param.title, param.default) == ("L", "a\nb")


def test_two_keys_that_look_the_same_are_told(tmp_path: Path) -> None:
    written(tmp_path, MINE + "[params.\"prompt\\u200e\"]\nkind = 'text'\n")
    _, [problem] = with_user_families(tmp_path)
    assert "two keys look the same: prompt" in problem


def test_the_name_of_a_file_is_told_without_its_escapes(tmp_path: Path) -> None:
    written(tmp_path, "x", "evil\x1b]0;owned\x07\x9b\u202e.toml")
    _, [problem] = with_user_families(tmp_path)
    assert problem.startswith(f"{tmp_path}/evil.toml: ")


def test_a_pattern_that_could_take_long_is_told_with_its_file(tmp_path: Path) -> None:
    path = written(tmp_path, MINE.replace("required = true", "pattern = '^(a+)+$'"))
    _, [problem] = with_user_families(tmp_path)
    assert problem == (
        f"{path}:5: the pattern of prompt can't be used: only single characters can be"
        " repeated in it"
    )


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ("".join(f"[params.p{i}]\nkind='text'\n" for i in range(300)), "301 entries"),
        (f"[params.c]\nkind='choice'\nenum={list(range(300))}\n", "300 entries"),
        ("".join(f"k{i} = {i}\n" for i in range(20_000)), "larger than 100 KB"),
        (f"[{'.'.join('a' * 40_000)}]\n", "more than 20 parts"),
        (f"x = {{ y = '''a'b\"''', {' . '.join('a' * 9_000)} = 1 }}", "20 parts"),
        (f'\'\'\'\n\'\'\'={1}\n"""\\""""=1\n{".".join("a" * 9_000)}=1', "20 parts"),
    ],
    ids=["params", "enum", "unknown keys", "table", "inline", "after strings"],
)
def test_what_would_take_long_is_told_and_left_out(
    tmp_path: Path, extra: str, reason: str
) -> None:
    path = written(tmp_path, MINE + extra)
    catalog, [problem] = with_user_families(tmp_path)
    assert catalog == bundled()
    assert problem.startswith(str(path))
    assert reason in problem


def test_numbers_and_dots_in_text_are_no_long_keys(tmp_path: Path) -> None:
    dots = ".".join("a" * 60)
    written(
        tmp_path,
        MINE + f'# {dots}\n[[rules]]\nwhy = "{dots}"\nmin = {{ prompt = 1.5 }}',
    )
    assert with_user_families(tmp_path)[1] == ()


def test_files_beyond_the_limits_are_left_out_and_told(tmp_path: Path) -> None:
    for number in range(104):
        written(
            tmp_path,
            FAMILY.format(name=f"F{number}", slug=f"s{number}"),
            f"{number:03}.toml",
        )
    catalog, [problem] = with_user_families(tmp_path)
    assert len(catalog.families) == len(bundled().families) + 100
    assert problem.endswith("only 100 files are read, 4 are left out.")
    for number in range(104):
        (tmp_path / f"{number:03}.toml").write_text("#" * 90_000)
    _, problems = with_user_families(tmp_path)
    assert "250,000 bytes together" in problems[5]


def test_models_beyond_the_limit_are_left_out_and_told(tmp_path: Path) -> None:
    model = MINE[MINE.index("[[models]]") :]
    for number in range(3):
        models = "".join(
            model.replace("mine-1", f"m{number}-{index}") for index in range(90)
        )
        text = FAMILY.format(name=f"F{number}", slug=f"s{number}")
        written(tmp_path, text + models, f"{number}.toml")
    catalog, [problem] = with_user_families(tmp_path)
    assert len(catalog.models) == len(bundled().models) + 182
    assert problem.startswith(f"{tmp_path}/2.toml: left out: ")


def test_every_bundled_file_could_be_ones_own() -> None:
    for path in FAMILIES.glob("*.toml"):
        assert load_family(path).models


@pytest.mark.parametrize("cents", ["-1.0", "nan", "inf", "1e300"])
@pytest.mark.parametrize(
    "form", ["cents = {}", "cents = 3, by = 'x', cases = {{ a = {} }}"]
)
def test_a_price_that_nobody_could_be_charged_is_told(
    cents: str, form: str, tmp_path: Path
) -> None:
    """A negative one would make room below a spending limit."""
    text = FAMILY.format(name="A", slug="a").replace("cents = 3", form.format(cents))
    (tmp_path / "a.toml").write_text(text)
    catalog, problems = with_user_families(tmp_path)
    assert "a price is 0 to" in problems[0]
    assert catalog.get("text_to_image", "a") is None
