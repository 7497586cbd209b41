"""Preferences: the file, variables over it, options over both; every mistake told with
its place.
"""

from pathlib import Path
from typing import Any

import pytest

from tui.paths import folders
from tui.settings.config import Config, ConfigError, load


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def refusal(path: Path, env: dict[str, str] | None = None, **options: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path, options, env or {})
    return str(caught.value)


def test_without_a_file_everything_has_a_default(file: Path) -> None:
    assert load(file, {}, {}) == Config()


def test_the_file_is_read(file: Path) -> None:
    file.write_text('api = "service"\npoll_seconds = 5\n[keys]\ngenerate = "ctrl+g"\n')
    config = load(file, {}, {})
    assert config == Config(
        api="service", poll_seconds=5.0, keys={"generate": "ctrl+g"}
    )


def test_variables_override_the_file_and_options_override_variables(file: Path) -> None:
    file.write_text('images = "sixel"\nconcurrency = 2\ntheme = "nord"\n')
    env = {
        "RUNAPI_TUI_IMAGES": "half",
        "RUNAPI_TUI_CONCURRENCY": "3",
        "RUNAPI_TUI_THEME": "",
    }
    config = load(file, {"images": "ascii", "output": None}, env)
    assert (config.images, config.concurrency, config.theme) == ("ascii", 3, "nord")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("output", "/tmp/x", "/tmp/x"),
        ("api", "unified", "unified"),
        ("images", "none", "none"),
        ("theme", "nord", "nord"),
        ("concurrency", "4", 4),
        ("poll_seconds", "0.5", 0.5),
    ],
)
def test_each_variable(file: Path, name: str, value: str, expected: object) -> None:
    assert (
        getattr(load(file, {}, {f"RUNAPI_TUI_{name.upper()}": value}), name) == expected
    )


def test_an_unknown_setting_names_the_nearest(file: Path) -> None:
    file.write_text("concurency = 4\n")
    assert (
        refusal(file)
        == f"{file}: there is no setting concurency. Did you mean concurrency?"
    )


def test_an_unknown_setting_far_from_all_names_them_all(file: Path) -> None:
    file.write_text("zzz = 1\n")
    told = refusal(file)
    assert all(name in told for name in Config.__struct_fields__)


def test_an_unknown_option_is_not_swallowed(file: Path) -> None:
    assert "command line: there is no setting colour" in refusal(file, colour="red")


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("output = 3", "output"),
        ('api = "servce"', "api"),
        ('images = "kity"', "images"),
        ("concurrency = true", "concurrency"),
        ("concurrency = 8.5", "concurrency"),
        ("concurrency = 0", "concurrency"),
        ("concurrency = -1", "concurrency"),
        ("poll_seconds = 0", "poll_seconds"),
        ("poll_seconds = 61", "poll_seconds"),
        ("poll_seconds = nan", "poll_seconds"),
        ("job_usd = -1", "job_usd"),
        ("day_usd = nan", "day_usd"),
        ("day_usd = inf", "day_usd"),
        ("job_usd = -inf", "job_usd"),
        ("job_usd = 1e300", "job_usd"),
        ("day_usd = 1000000.01", "day_usd"),
        ("day_usd = true", "day_usd"),
        ("poll_seconds = inf", "poll_seconds"),
        ('poll_seconds = "often"', "poll_seconds"),
        ('keys = "x"', "keys"),
        ("[keys]\ngenerate = 5", "keys"),
    ],
)
def test_a_wrong_value_is_named_with_its_file(
    file: Path, line: str, named: str
) -> None:
    file.write_text(line)
    told = refusal(file)
    assert told.startswith(f"{file}: ")
    assert named in told


@pytest.mark.parametrize(
    ("line", "allowed"), [('api = "servce"', "unified"), ('images = "kity"', "sixel")]
)
def test_a_wrong_choice_is_told_what_there_is(
    file: Path, line: str, allowed: str
) -> None:
    file.write_text(line)
    assert allowed in refusal(file)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("RUNAPI_TUI_CONCURRENCY", "many"),
        ("RUNAPI_TUI_API", "both"),
        ("RUNAPI_TUI_POLL_SECONDS", "0"),
    ],
)
def test_a_wrong_variable_is_named(file: Path, variable: str, value: str) -> None:
    assert refusal(file, {variable: value}).startswith(f"{variable}: ")


def test_a_wrong_option_is_blamed_on_the_command_line(file: Path) -> None:
    file.write_text('api = "auto"')
    assert refusal(file, api="both").startswith("command line: ")


@pytest.mark.parametrize(
    "content",
    [
        b"x = [",
        b"= 1",
        b"\xff\xfe",
        b"output = 'a'\noutput = 'b'",
        b"x = " + b"[" * 9999,
    ],
    ids=lambda content: repr(content[:20]),
)
def test_broken_toml_names_the_file(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert refusal(file).startswith(f"{file}: ")


def test_an_unreadable_file_is_an_error_and_not_ignored(tmp_path: Path) -> None:
    assert refusal(tmp_path).startswith(f"{tmp_path}: ")


def test_hostile_names_are_told_harmlessly(file: Path) -> None:
    file.write_text('"\\u001b]52;c;x\\u0007evil" = 1')
    told = refusal(file)
    assert "\x1b" not in told
    assert "evil" in told


# ---- profiles

WORK = """
profile = "work"
output = "/any"
[profiles.work]
base_url = "https://work.example"
key = "env:WORK_KEY"
output = "/work"
[profiles.home]
key = "hermes"
"""


def test_a_profile_is_chosen_by_file_variable_and_option(file: Path) -> None:
    file.write_text(WORK)
    work, home = load(file, {}, {}), load(file, {}, {"RUNAPI_TUI_PROFILE": "home"})
    assert (work.profile_in_use, work.output, work.profiles["work"].base_url) == (
        "work",
        "/work",
        "https://work.example",
    )
    assert (home.profile_in_use, home.output, home.profiles["home"].key) == (
        "home",
        "/any",
        "hermes",
    )
    none = load(file, {"profile": "none"}, {"RUNAPI_TUI_PROFILE": "home"})
    assert (none.profile_in_use, none.output) == ("", "/any")
    assert (
        load(file, {"output": "/option"}, {"RUNAPI_TUI_OUTPUT": "/variable"}).output
        == "/option"
    )
    assert load(file, {}, {"RUNAPI_TUI_OUTPUT": "/variable"}).output == "/variable"


def test_an_unknown_profile_names_the_nearest(file: Path) -> None:
    file.write_text(WORK)
    assert (
        refusal(file, profile="wrok")
        == "command line: there is no profile wrok. Did you mean work?"
    )
    assert (
        refusal(file, profile="x")
        == "command line: there is no profile x. Known are work, home."
    )
    file.write_text('profile = "work"')
    assert refusal(file) == f"{file}: there is no profile work."


def test_a_key_itself_is_refused_and_not_repeated(file: Path) -> None:
    for key in (
        "runapi_0123456789abcdef",
        "env:",
        "env:NO-NAME",
        "openclaw:x",
        "RUNAPI_API_KEY",
    ):
        file.write_text(f'[profiles.work]\nkey = "{key}"\n')
        told = refusal(file)
        assert told == (
            f"{file}: profiles.work.key says where the key comes from, never the key itself: "
            "environment, runapi, openclaw, hermes or env:VARIABLE."
        )
        assert "0123456789" not in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[profiles."a b"]', "a name has up to 40 letters"),
        ("[profiles.none]", "is not none"),
        (
            '[profiles.work]\nbase_url = "http://work.example"',
            "profiles.work.base_url: http://work.example is not enc",
        ),
        ('[profiles.work]\nurl = "https://work.example"', "unknown field `url`"),
        ("profiles = 3", "expected `object`"),
    ],
)
def test_what_no_profile_can_be(file: Path, text: str, told: str) -> None:
    file.write_text(text)
    assert told in refusal(file)


@pytest.mark.parametrize(
    "text",
    [
        r'output = "/tmp/\u001b]0;owned\u0007"',
        r'viewer = "feh \u009b31m"',
        r'theme = "\u202enord"',
        r"[keys]" "\n" r'"gen\u001b[2Jerate" = "f5"',
        r"[profiles.work]" "\n" r'output = "/tmp/\u001b[2J"',
    ],
)
def test_text_that_a_terminal_would_obey_is_refused(file: Path, text: str) -> None:
    file.write_text(text)
    told = refusal(file)
    assert "a character that can't be shown" in told
    assert told.isprintable()


def test_a_file_that_would_take_long_is_refused(file: Path) -> None:
    file.write_text(f"{'.'.join('a' * 40_000)} = 1")
    assert "more than 20 parts" in refusal(file)


def test_a_folder_for_images_by_way_of_its_parent_is_named_without_that(
    tmp_path: Path,
) -> None:
    """Otherwise no image in it would count as saved here: `x` would move none."""
    output = folders(str(tmp_path / "here" / ".." / "images")).output
    assert output == tmp_path / "images"
