"""The painter: exact sizes, the same bytes every time, and pictures that follow the
request.
"""

import subprocess
import sys
from hashlib import sha256

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageStat

from tui.demo.paint import paint
from tui.demo.painting.pieces import split
from tui.demo.painting.scenes import SCENES
from tui.demo.painting.words import KINDS

SIZE = (256, 256)


def picture(
    prompt: str = "a quiet lake",
    *,
    model: str = "demo",
    seed: int = 1,
    size: tuple[int, int] = SIZE,
) -> Image.Image:
    return paint(model=model, prompt=prompt, seed=seed, size=size)


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean difference per channel between two pictures, 0..255, as seen at terminal
    size.
    """
    thumbs = [image.convert("RGB").resize((32, 32)) for image in (one, other)]
    return sum(ImageStat.Stat(ImageChops.difference(*thumbs)).mean) / 3


def tones(image: Image.Image) -> list[int]:
    return list(image.convert("L").resize((16, 16)).tobytes())


def correlation(one: Image.Image, other: Image.Image) -> float:
    a, b = tones(one), tones(other)
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    shared = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    spread = sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b)
    return float(shared / spread**0.5)


@pytest.fixture
def photo() -> Image.Image:
    """A picture with an unmistakable layout: a dark ball over a bright field."""
    image = Image.new("RGB", (300, 300), (210, 225, 235))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 200, 300, 300), fill=(90, 130, 70))
    draw.ellipse((80, 60, 200, 180), fill=(60, 20, 30))
    return image


def test_there_is_a_scene_for_every_kind() -> None:
    assert [*SCENES] == [*KINDS]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_full_rgb_picture(kind: str) -> None:
    image = picture(kind)
    assert (image.mode, image.size) == ("RGB", SIZE)
    assert ImageStat.Stat(image.convert("L")).stddev[0] > 10


@pytest.mark.parametrize(
    "size", [(2048, 256), (256, 2048), (672, 288), (288, 672), (257, 311)]
)
def test_any_ratio_gives_the_exact_size(size: tuple[int, int]) -> None:
    assert picture("a cat and a lighthouse", size=size).size == size


def test_same_request_gives_the_same_bytes_in_another_process() -> None:
    script = (
        "from hashlib import sha256; from tui.demo.paint import paint;"
        "image = paint(model='demo', prompt='fox 雪 aurora', seed=5, size=(256, 256));"
        "print(sha256(image.tobytes()).hexdigest())"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert (
        run.stdout.strip()
        == sha256(picture("fox 雪 aurora", seed=5).tobytes()).hexdigest()
    )


def test_seed_prompt_and_model_each_change_the_picture() -> None:
    base = picture()
    for other in (
        picture(seed=2),
        picture("a quiet lake, please"),
        picture(model="other"),
    ):
        assert difference(base, other) > 4


def test_the_composition_survives_a_change_of_size() -> None:
    small, large = picture("sunset sea"), picture("sunset sea", size=(512, 512))
    assert correlation(small, large) > 0.97


def test_words_steer_the_light_in_several_languages() -> None:
    for night, day in (
        ("forest at night", "forest, day"),
        ("bosque de noche", "bosque de día"),
        ("夜の森", "昼の森"),
    ):
        brightness = [
            ImageStat.Stat(picture(prompt).convert("L")).mean[0]
            for prompt in (night, day)
        ]
        assert brightness[0] + 40 < brightness[1]


def test_named_colours_tint_the_picture() -> None:
    red, _, blue = ImageStat.Stat(picture("blue mountains")).mean
    assert blue > red
    red, _, blue = ImageStat.Stat(picture("red mountains")).mean
    assert red > blue


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_a_remix_is_the_source_clearly_changed(photo: Image.Image, mode: str) -> None:
    source = photo.convert(mode)
    remix = paint(
        model="demo", prompt="make it a purple dusk", seed=3, size=SIZE, source=source
    )
    assert (remix.mode, remix.size) == ("RGB", SIZE)
    assert correlation(source, remix) > 0.7
    assert difference(source, remix) > 15


def test_a_remix_depends_on_its_source(photo: Image.Image) -> None:
    request = {"model": "demo", "prompt": "dawn", "seed": 3, "size": SIZE}
    one, again = (paint(**request, source=photo) for _ in range(2))  # type: ignore[arg-type]
    assert one.tobytes() == again.tobytes()
    other = paint(
        model="demo", prompt="dawn", seed=3, size=SIZE, source=photo.rotate(90)
    )
    assert difference(one, other) > 10


@pytest.mark.parametrize("size", [(64, 64), (300, 17), (1, 1)])
def test_every_picture_has_as_many_regions_as_are_asked_for(
    size: tuple[int, int],
) -> None:
    for masks in (
        split(Image.new("RGB", size, "red"), 8),
        split(Image.effect_noise(size, 90), 8),
    ):
        assert [(mask.mode, mask.size) for mask in masks] == [("L", size)] * 8
        whole = Image.new("L", size)
        for mask in masks:
            whole = ImageChops.add(whole, mask)
        assert ImageStat.Stat(whole).mean[0] > 200


def test_the_grain_leaves_files_compressible(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.mktemp("paint") / "picture.png"
    picture("misty forest", size=(1024, 1024)).save(path)
    assert path.stat().st_size < 1_800_000
