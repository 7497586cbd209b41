"""From values to exact bytes: route, body, key, and files to upload first."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tui.catalog.load import bundled
from tui.catalog.source_images import local_files, with_uploads
from tui.catalog.spec import Kind, Values
from tui.images import files
from tui.tasks import draft as draft_module
from tui.tasks.draft import (
    InvalidRequestError,
    draft,
    plan,
    reroute,
    with_body,
)
from tui.tasks.task import Status, Task

URL = "https://runapi.ai"
Z_IMAGE = bundled().find("z-image")
KONTEXT = bundled().find("flux-kontext-pro")
REMIX = bundled().find("flux-2-pro-remix-image")
REMOTE = "https://files.example/a.png"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "fox picture.png"
    Image.new("RGB", (8, 8)).save(path)
    return path


def pictures() -> Path:
    return Path.home() / "pictures"


def drafted(of: Any, values: Values, **options: Any) -> Task:
    return draft(of, values, base_url=URL, out_dir=pictures(), **options)


def refusal(of: Any, values: Values, **options: Any) -> dict[str, str]:
    with pytest.raises(InvalidRequestError) as caught:
        drafted(of, values, **options)
    assert str(caught.value) == " ".join(caught.value.errors.values())
    return caught.value.errors


# ---- drafts


def test_a_draft_is_held_with_its_exact_body_and_key() -> None:
    task = drafted(
        Z_IMAGE,
        {"size": "64x64", "prompt": "füchse", "negative_prompt": "  "},
    )
    assert (task.status, task.route, task.base_url, task.out_dir) == (
        Status.HELD,
        "unified",
        URL,
        str(pictures()),
    )
    assert (task.action, task.model, task.service) == (
        "text_to_image",
        "z-image",
        "z_image",
    )
    assert (
        task.body
        == '{"model": "z-image", "prompt": "füchse", "size": "64x64"}'.encode()
    )
    assert uuid.UUID(task.key).version == 4
    assert task.values == {"size": "64x64", "prompt": "füchse"}
    assert (task.estimate_micro, task.prompt) == (
        10_000,
        "füchse",
    )
    assert task.live


def test_the_same_values_give_the_same_bytes_under_another_key() -> None:
    one = drafted(Z_IMAGE, {"prompt": "a fox", "size": "64x64"})
    two = drafted(Z_IMAGE, {"size": "64x64", "prompt": "a fox"})
    assert one.body == two.body
    assert one.key != two.key
    assert one.id != two.id


def test_an_unknown_price_stays_unknown() -> None:
    assert (
        drafted(
            bundled().find("flux-2-max-text-to-image"), {"prompt": "a fox"}
        ).estimate_micro
        is None
    )


def test_the_route_is_chosen_by_wish_by_learning_and_by_params() -> None:
    assert drafted(Z_IMAGE, {"prompt": "x"}, api="service").route == "service"
    assert drafted(Z_IMAGE, {"prompt": "x"}, learnt="service").route == "service"
    assert drafted(Z_IMAGE, {"prompt": "x", "aspect_ratio": "4:3"}).route == "service"
    assert (
        drafted(Z_IMAGE, {"prompt": "x", "size": "64x64"}, learnt="service").route
        == "unified"
    )


def test_a_blank_value_chooses_nothing() -> None:
    assert drafted(Z_IMAGE, {"prompt": "x", "aspect_ratio": ""}).route == "unified"


def test_the_service_route_gets_its_required_choice() -> None:
    body = json.loads(drafted(Z_IMAGE, {"prompt": "x"}, api="service").body)
    assert body == {"model": "z-image", "prompt": "x", "aspect_ratio": "1:1"}


def test_what_cannot_be_sent_is_refused_by_param() -> None:
    assert refusal(Z_IMAGE, {"prompt": "", "size": "big"}) == {
        "prompt": "Required.",
        "size": "Must look like 1024x1024.",
    }
    assert list(refusal(Z_IMAGE, {"prompt": "x", "size": "64x64"}, api="service")) == [
        "size"
    ]


@pytest.mark.parametrize("prompt", ["lone \ud83d", "argument \udcff that was no UTF-8"])
def test_text_that_cannot_be_sent_is_refused_like_any_other(prompt: str) -> None:
    assert list(refusal(Z_IMAGE, {"prompt": prompt})) == ["prompt"]


# ---- moving to the other route


def test_a_move_makes_a_new_body_and_a_new_key() -> None:
    task = drafted(KONTEXT, {"prompt": "x", "image_url": REMOTE})
    moved = reroute(task, KONTEXT, "service")
    assert (moved.id, moved.route) == (task.id, "service")
    assert moved.values == {"prompt": "x", "source_image_url": REMOTE}
    assert json.loads(moved.body) == {
        "model": "flux-kontext-pro",
        "prompt": "x",
        "source_image_url": REMOTE,
    }
    assert moved.key != task.key
    assert uuid.UUID(moved.key).version == 4
    assert task.route == "unified"


def test_a_move_adds_what_the_other_route_requires() -> None:
    moved = reroute(drafted(Z_IMAGE, {"prompt": "x"}), Z_IMAGE, "service")
    assert json.loads(moved.body)["aspect_ratio"] == "1:1"


def test_a_new_route_names_values_that_it_lacks() -> None:
    task = drafted(Z_IMAGE, {"prompt": "x", "size": "64x64", "negative_prompt": "y"})
    with pytest.raises(InvalidRequestError) as caught:
        reroute(task, Z_IMAGE, "service")
    assert list(caught.value.errors) == ["size", "negative_prompt"]
    assert "aspect_ratio" in caught.value.errors["size"]


def test_a_new_route_has_the_local_files(picture: Path) -> None:
    moved = reroute(
        drafted(KONTEXT, {"prompt": "x", "image_url": str(picture)}), KONTEXT, "service"
    )
    assert (moved.values["source_image_url"], moved.body, moved.key) == (
        str(picture),
        b"",
        "",
    )


def test_planning_again_gives_the_same_body_and_a_key_of_its_own() -> None:
    task = drafted(Z_IMAGE, {"prompt": "x"})
    again = plan(task, Z_IMAGE)
    assert again.body == task.body
    assert again.key != task.key


# ---- files of this machine


def test_a_task_with_local_files_has_no_body_yet(picture: Path) -> None:
    task = drafted(KONTEXT, {"prompt": "x", "image_url": str(picture)})
    assert (task.body, task.key) == (b"", "")
    assert task.values["image_url"] == str(picture)


@pytest.mark.parametrize(
    "url",
    [
        REMOTE,
        f" {REMOTE}\n",
        "http://files.example/a.png",
        "HTTPS://files.example/a.png",
    ],
)
def test_an_address_is_sent_as_it_is(url: str) -> None:
    body = json.loads(drafted(KONTEXT, {"prompt": "x", "image_url": url}).body)
    assert body["image_url"] == url.strip()


def test_files_and_addresses_may_be_mixed(picture: Path) -> None:
    values: Values = {
        "prompt": "a fox",
        "source_image_urls": [REMOTE, str(picture), f" {picture} "],
    }
    route = REMIX.routes["unified"]
    assert drafted(REMIX, values).body == b""
    assert local_files(route, values) == [("source_image_urls", picture)] * 2
    sent = with_uploads(route, values, {picture: "https://up.example/1.png"})
    assert sent["source_image_urls"] == [
        REMOTE,
        "https://up.example/1.png",
        "https://up.example/1.png",
    ]
    assert values["source_image_urls"] == [REMOTE, str(picture), f" {picture} "]


def test_one_file_is_replaced_by_its_address(picture: Path) -> None:
    values: Values = {"prompt": str(picture), "image_url": str(picture)}
    sent = with_uploads(KONTEXT.routes["unified"], values, {picture: REMOTE})
    assert sent == {"prompt": str(picture), "image_url": REMOTE}


def test_what_was_uploaded_is_sent_under_a_new_key(picture: Path) -> None:
    task = drafted(KONTEXT, {"prompt": "x", "image_url": str(picture)})
    ready = with_body(
        task,
        KONTEXT,
        with_uploads(KONTEXT.routes["unified"], task.values, {picture: REMOTE}),
    )
    assert json.loads(ready.body)["image_url"] == REMOTE
    assert uuid.UUID(ready.key).version == 4
    assert ready.values["image_url"] == str(picture)


def test_a_tilde_is_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    values: Values = {"prompt": "x", "image_url": "~/a.png"}
    route = KONTEXT.routes["unified"]
    assert drafted(KONTEXT, values).body == b""
    assert local_files(route, values) == [("image_url", tmp_path / "a.png")]
    assert (
        with_uploads(route, values, {tmp_path / "a.png": REMOTE})["image_url"] == REMOTE
    )


@pytest.mark.parametrize(
    "name",
    ["nosuch.png", "", ".", "~nosuchuser9/a.png", "~x.png", "nul\0.png", "x" * 5000],
)
def test_a_file_that_is_not_there(tmp_path: Path, name: str) -> None:
    path = name if name.startswith("~") else f"{tmp_path}/{name}"
    assert list(refusal(KONTEXT, {"prompt": "x", "image_url": path})) == ["image_url"]


def test_one_missing_file_of_several_is_named(picture: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing.png"
    errors = refusal(
        REMIX,
        {"prompt": "a fox", "source_image_urls": [REMOTE, str(picture), str(missing)]},
    )
    assert errors == {"source_image_urls": f"There is no file {missing}."}


def test_an_unreadable_file_is_reported(
    picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(self: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", locked)
    errors = refusal(KONTEXT, {"prompt": "x", "image_url": str(picture)})
    assert errors == {"image_url": f"{picture} can't be read: Permission denied."}


def test_a_file_is_bounded(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values: Values = {"prompt": "x", "image_url": str(picture)}
    size = picture.stat().st_size
    monkeypatch.setattr(draft_module, "MAX_UPLOAD", size)
    assert drafted(KONTEXT, values).live
    monkeypatch.setattr(draft_module, "MAX_UPLOAD", size - 1)
    assert refusal(KONTEXT, values) == {
        "image_url": f"{picture} has {size} bytes; an upload has 1 to {size - 1}."
    }
    picture.write_bytes(b"")
    assert refusal(KONTEXT, values) == {
        "image_url": f"{picture} has 0 bytes; an upload has 1 to {size - 1}."
    }


@pytest.mark.parametrize("model", ["flux-kontext-pro", "ideogram-v3-edit"])
def test_only_a_whole_known_image_is_uploaded(model: str, tmp_path: Path) -> None:
    """Whether the service publishes what it takes, or nothing at all."""
    good = tmp_path / "good.png"
    Image.new("RGB", (600, 600)).save(good)
    content = good.read_bytes()
    secret = tmp_path / "id_rsa.png"
    for wrong in (b"-----BEGIN", content[:60], content[:-20], b"BM" + content):
        secret.write_bytes(wrong)
        of = bundled().find(model)
        route = next(iter(of.routes.values()))
        values: Values = {"prompt": "x"}
        for param in route.params:
            if param.kind is Kind.IMAGE:
                values[param.name] = str(good)
        for name in [name for name in values if name != "prompt"]:
            errors = refusal(of, {**values, name: str(secret)})
            assert errors[name].startswith("id_rsa.png is ")
            assert errors[name].endswith(" Nothing was sent.")


def test_a_file_is_decoded_again_only_when_it_has_changed(
    picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[Path] = []
    inspect = files.inspect_pixels

    def counting(path: Path) -> files.ImageInfo:
        decoded.append(path)
        return inspect(path)

    monkeypatch.setattr(files, "inspect_pixels", counting)
    for _ in range(20):
        drafted(KONTEXT, {"prompt": "x", "image_url": str(picture)})
    assert decoded == [picture]
    picture.write_bytes(b"no image any more")
    assert refusal(KONTEXT, {"prompt": "x", "image_url": str(picture)})
    assert decoded == [picture] * 2


def test_a_missing_file_is_reported_with_other_errors(tmp_path: Path) -> None:
    errors = refusal(
        KONTEXT, {"image_url": str(tmp_path / "a.png"), "aspect_ratio": "7:1"}
    )
    assert set(errors) == {"prompt", "aspect_ratio", "image_url"}


@pytest.mark.parametrize(
    ("size", "form", "sentence"),
    [
        ((600, 600), "PNG", ""),
        ((600, 600), "GIF", "is GIF, not JPEG, PNG, WEBP"),
        ((500, 600), "PNG", "is 500×600, not 600×600"),
    ],
)
def test_a_mask_is_checked_before_it_is_sent(
    size: tuple[int, int], form: str, sentence: str, tmp_path: Path
) -> None:
    Image.new("RGB", (600, 600)).save(tmp_path / "source", "PNG")
    Image.new("RGB", size).save(tmp_path / "mask", form)
    values: Values = {
        "prompt": "a fox",
        "source_image_url": str(tmp_path / "source"),
        "mask_url": str(tmp_path / "mask"),
    }
    model = bundled().find("ideogram-v3-edit")
    try:
        draft(model, values, base_url="https://runapi.ai", out_dir=tmp_path)
        told = ""
    except InvalidRequestError as error:
        told = error.errors["mask_url"]
    assert sentence in told
    assert bool(sentence) == bool(told)


def test_an_image_that_is_too_small_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (100, 100)).save(tmp_path / "small.png")
    model = bundled().find("seedream-5-pro-layer-decomposition")
    with pytest.raises(
        InvalidRequestError, match=r"10,000 pixels; 262,144 to 36,000,000 are accepted"
    ):
        draft(
            model,
            {"image_url": str(tmp_path / "small.png")},
            base_url="https://runapi.ai",
            out_dir=tmp_path,
        )


# ---- what a terminal would obey


def test_prompts_are_stored_and_sent_without_escapes() -> None:
    task = drafted(
        Z_IMAGE,
        {"prompt": "a\tfox\x1b]52;c;ZXZpbA==\x07\n\x9b31min \u202ered 👩\u200d🎨"},
    )
    assert task.prompt == "a\tfox\nin red 👩\u200d🎨"
    assert json.loads(task.body)["prompt"] == task.prompt


def test_a_byte_that_is_no_utf8_is_refused_not_removed() -> None:
    assert "UTF-8" in refusal(Z_IMAGE, {"prompt": "a \udcff\x1b[31m fox"})["prompt"]


def test_a_file_with_an_escape_in_its_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[31mfox\u202e.png"
    Image.new("RGB", (512, 512)).save(path)
    values: Values = {"prompt": "a red fox", "source_image_urls": [str(path)]}
    assert "control characters" in refusal(REMIX, values)["source_image_urls"]
