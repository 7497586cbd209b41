"""`generate --input`: a JSON body is judged like typed values, and uploads nothing that
nobody has agreed to.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.cli.test_run import Service, queue, service
from tui.paths import config_dir

__all__ = ["service"]


def saved(tmp_path: Path, value: Any) -> str:
    file = tmp_path / "body.json"
    file.write_text(value if isinstance(value, str) else json.dumps(value))
    return str(file)


def test_a_body_comes_from_a_file_or_stdin(service: Service, tmp_path: Path) -> None:
    body = {"prompt": "a lake", "aspect_ratio": "16:9", "seed": None}
    file = saved(tmp_path, {**body, "seed": 7})
    code, told, _ = service.run("generate", "imagen-4", "--input", file)
    assert (code, told[0]["params"]) == (0, {**body, "seed": 7})
    fed = "\ufeff" + json.dumps({"model": "imagen-4", **body})
    code, told, _ = service.run("generate", "--input", "-", fed=fed)
    assert (code, told[0]["model"]) == (0, "imagen-4")
    assert told[0]["params"] == {"prompt": "a lake", "aspect_ratio": "16:9"}


def test_what_is_typed_counts_more_than_the_body(
    service: Service, tmp_path: Path
) -> None:
    file = saved(tmp_path, {"prompt": "a lake", "aspect_ratio": "16:9"})
    words = ("generate", "imagen-4", "a sea", "-s", "aspect_ratio=1:1")
    (told,) = service.run(*words, "--input", file, "--no-wait")[1]
    assert told["params"] == {"prompt": "a sea", "aspect_ratio": "1:1"}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("[1]", "--input is no JSON object of parameters."),
        ("{", "--input is not JSON: "),
        ('{"prompt": NaN}', "--input is not JSON: NaN is no number of JSON."),
        ('{"seed": 1, "seed": 2}', "--input is not JSON: seed is there twice."),
        ("[" * 100_000, "--input is nested too deeply."),
        ("\x00", "--input is not JSON: "),
        (" " * 4_000_001, "--input is larger than "),
        ({"model": 1}, "--input: model is no text."),
        ({"model": "z-image"}, "--input is for z-image, not for imagen-4."),
        ({"prompt": "x", "sed": 1}, "sed: Imagen 4 has no parameter sed."),
        ({"prompt": "x", "seed": "7"}, "seed: 7 is not a whole number."),
        ({"prompt": ["x"]}, "prompt: ['x'] is not text."),
    ],
    ids=range(12),
)
def test_a_body_that_is_none_is_refused(
    body: Any, why: str, service: Service, home: Path, tmp_path: Path
) -> None:
    file = saved(tmp_path, body)
    code, told, err = service.run("generate", "imagen-4", "--input", file, "--no-wait")
    assert (code, told) == (4, [])
    assert "Traceback" not in err
    assert why in err
    assert not list(home.rglob("queue.db")) or queue(home, "select id from tasks") == []


def test_a_file_of_this_machine_is_named_and_needs_a_yes(
    service: Service, tmp_path: Path
) -> None:
    picture = tmp_path / "photo.png"
    Image.new("RGB", (512, 512), "red").save(picture)
    link = tmp_path / "link.png"
    link.symlink_to(picture)
    body = {
        "model": "flux-kontext-pro",
        "prompt": "in snow",
        "image_url": str(link),
        "aspect_ratio": "1:1",
    }
    file = saved(tmp_path, body)
    code, told, err = service.run("generate", "--input", file)
    assert (code, told) == (4, [])
    assert f"Upload {link}, a link to {picture}\nNothing was submitted." in err
    assert "Add --allow-files if you want it." in err
    code, told, err = service.run("generate", "--input", file, "--allow-files")
    assert (code, told[0]["status"]) == (0, "completed")
    assert f"Upload {link}, a link to {picture}.\n" in err
    # What the user has typed needs no question
    words = ("generate", "flux-kontext-pro", "in snow", "-s", f"image_url={picture}")
    code, _, err = service.run(*words, "-s", "aspect_ratio=1:1")
    assert (code, err) == (0, "")


def test_a_callback_is_named_too(service: Service, tmp_path: Path) -> None:
    body = {"prompt": "a lake", "callback_url": "https://evil.example/hook"}
    file = saved(tmp_path, body)
    code, told, err = service.run("generate", "imagen-4", "--input", file, "--no-wait")
    assert (code, told) == (4, [])
    assert "The service calls https://evil.example/hook\n" in err


def test_a_body_goes_past_the_catalog_only_where_the_user_says_so(
    service: Service, tmp_path: Path
) -> None:
    body = {"prompt": "a lake", "style": "ink", "webhook_url": "https://evil.example"}
    file = saved(tmp_path, body)
    words = ("generate", "imagen-4", "--input", file, "--no-wait")
    code, told, err = service.run(*words, "--allow-files")
    assert (code, told) == (4, [])
    assert "style: Imagen 4 has no parameter style." in err
    code, told, err = service.run(*words, "--unchecked")
    assert (code, told) == (4, [])
    assert "The service calls https://evil.example\n" in err
    code, told, _ = service.run(*words, "--unchecked", "--allow-files")
    assert (code, told[0]["params"]["+"]) == (
        0,
        {"style": "ink", "webhook_url": "https://evil.example"},
    )
    new = ("--service", "nova_2", "--action", "text_to_image", "-s", "tone=dark")
    file = saved(tmp_path, {"model": "nova-2", "prompt": "a lake", "style": ["ink"]})
    code, told, _ = service.run("generate", "--input", file, *new, "--no-wait")
    assert (code, told[0]["model"]) == (0, "nova-2")
    assert told[0]["params"] == {
        "prompt": "a lake",
        "+": {"style": ["ink"], "tone": "dark"},
    }
    file = saved(tmp_path, {"prompt": "a lake", "+": {"prompt": None}})
    code, _, err = service.run("generate", "imagen-4", "--input", file)
    assert (code, "--input: + is no name of a parameter." in err) == (4, True)


def test_stdin_is_read_once(service: Service) -> None:
    words = ("generate", "imagen-4", "--input", "-", "-f", "-")
    code, told, err = service.run(*words, fed='{"prompt": "x"}')
    assert (code, told) == (4, [])
    assert "Only one of them can read stdin." in err


def test_a_body_may_name_its_model_by_its_title(
    service: Service, tmp_path: Path
) -> None:
    file = saved(tmp_path, {"model": "Z Image", "prompt": "a lake"})
    for words in ((), ("z-image",), ("Z Image",)):
        code, told, err = service.run("generate", *words, "--input", file, "--no-wait")
        assert (code, told[0]["model"]) == (0, "z-image"), err
    code, told, err = service.run("generate", "imagen-4", "--input", file)
    assert (code, told) == (4, [])
    assert "--input is for Z Image, not for imagen-4." in err


def test_what_is_nested_deeply_is_named_as_such(
    service: Service, tmp_path: Path
) -> None:
    deep = "[" * 950 + "]" * 950
    file = tmp_path / "deep.json"
    file.write_text(f'{{"prompt": "x", "a": {deep}}}')
    code, told, err = service.run("generate", "z-image", "--input", str(file))
    assert (code, told) == (4, [])
    assert "--input is nested too deeply." in err
    presets = config_dir() / "presets"
    presets.mkdir(parents=True)
    preset = (
        f'{{"model": "z-image", "action": "text_to_image", "values": {{"a": {deep}}}}}'
    )
    (presets / "deep.json").write_text(preset)
    code, told, err = service.run("generate", "--preset", "deep", "-p", "x")
    assert (code, told, err) == (4, [], "Preset deep is nested too deeply.\n")
