"""Files of prompts: whatever an editor or a shell has saved reads as the same prompts,
and nothing else is one.
"""

from io import BufferedReader, BytesIO, RawIOBase

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tui.catalog import prompt_file
from tui.catalog.prompt_file import PromptFileError
from tui.catalog.request import blank

ENCODINGS = [
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "cp1252",
]
INVISIBLE = [
    "\ufeff",
    "\u200b",
    "\u200c",
    "\u200d",
    "\u2060",
    "\u00ad",
    "\u180e",
    "\u3164",
    "\u2800",
    "\ufe0f",
]
INVISIBLE += [
    "\u202e",
    "\u2028",
    "\u00a0",
    "\u3000",
    "\x07",
    "\x1b",
    "\x7f",
    "\x85",
    "\u200b \ufeff\t",
    " ",
    "",
]


def read(data: bytes) -> list[str]:
    return list(prompt_file.read(BytesIO(data)))


def lines_of(characters: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    line = st.text(characters, max_size=40).map(
        lambda text: text.strip().strip("\ufeff").strip()
    )
    return st.lists(line.filter(lambda text: not blank(text)), min_size=1, max_size=20)


UNICODE = st.characters(exclude_characters="\0\r\n\ufeff", exclude_categories=["Cs"])
WESTERN = st.characters(codec="latin-1", exclude_categories=["Cc", "Cf"])


@given(lines_of(UNICODE), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
def test_each_unicode_encoding_gives_the_same_prompts(
    prompts: list[str], end: str, last: bool
) -> None:
    text = end.join(prompts) + end * last
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        assert read(text.encode(encoding)) == prompts
    for bom, encoding in ((b"\xfe\xff", "utf-16-be"), (b"\xff\xfe", "utf-16-le")):
        assert read(bom + text.encode(encoding)) == prompts


@given(lines_of(WESTERN), st.sampled_from(["\n", "\r\n", "\r"]))
def test_what_is_no_utf_8_is_windows_1252(prompts: list[str], end: str) -> None:
    prompts.append("a café, ñandú and Öl: é")  # no UTF-8
    assert read(end.join(prompts).encode("latin-1")) == prompts
    assert read(end.join([*prompts, "“€”"]).encode("cp1252")) == [*prompts, "“€”"]


@given(
    lines_of(st.characters(max_codepoint=0xFFF, exclude_categories=["Cc", "Cs"])),
    st.sampled_from("lb"),
)
def test_utf_16_without_a_bom_is_seen_by_its_nuls(
    prompts: list[str], order: str
) -> None:
    prompts.append(
        "a plain line of ASCII, much longer than all the others may be together in this test, "
        * 9
    )
    wanted = [prompt.strip() for prompt in prompts]
    assert read("\n".join(prompts).encode(f"utf-16-{order}e")) == wanted


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_chunk_may_end_anywhere(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "a fox: ñandú\r\n\r\na lake\rÖl, und à la carte\n"
    # A BOM is whole, the rest needs some text
    least = 24 if encoding in ("utf-16-le", "utf-16-be") else 4
    for size in range(least, 60):
        monkeypatch.setattr(prompt_file, "_CHUNK", size)
        assert read(text.encode(encoding)) == [
            "a fox: ñandú",
            "a lake",
            "Öl, und à la carte",
        ]


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_the_last_byte_tells_latin_1_too(end: bytes) -> None:
    assert read(b"caf\xe9" + end) == ["café"]


@pytest.mark.parametrize("line", INVISIBLE)
def test_a_line_with_nothing_to_see_is_no_prompt(line: str) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert read(f"{line}\na fox\n{line}\n".encode(encoding)) == ["a fox"]
    assert blank(line)
    assert blank(line * 3)


def test_what_belongs_to_a_prompt_stays() -> None:
    family = "👨\u200d👩\u200d👧 at the sea"
    assert read(f"\ufeff\ufeff{family}\n".encode()) == [family]
    odd = "a\x0cb\u2028c\x0bd\x1ce\x85f"
    assert read(odd.encode()) == [odd]
    assert not blank(family)
    assert not blank("❤\ufe0f")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\x89PNG\r\n\xff\xfe", "not a text file"),
        (b"\0" * 100, "not a text file"),
        (b"\x7fELF\x02\x01\x01\0\0\0", "not a text file"),
        ("漢字\n".encode("utf-16-le") + b"\0\0", "not a text file"),
        (b"a lake\na b\0x\n", "not a text file"),
        (b"a lake\na b\0x", "not a text file"),  # an even number of bytes
        (b"a lake\r\n\r\na caf\xe9\r\na \x81\n", "line 4 isn't text"),
        (b"caf\xe9\n\x07\n", "line 2 isn't text"),
        ("é\n".encode() * 9 + b"a caf\xe9\n", "line 10 isn't UTF-8"),
        (b"\xef\xbb\xbfa lake\ncaf\xe9", "line 2 isn't UTF-8"),
        (b"\xff\xfea\0\n\0\x00\xd8b\0", "line 2 isn't UTF-16-LE"),
        (b"\xff\xfea\0\n\0b", "line 2 isn't UTF-16-LE"),
        (
            b"a lake\n" + b"x" * (prompt_file.LONGEST + 1),
            "line 2 is longer than 1,000,000",
        ),
        (
            b"a lake\n" + b"x" * (prompt_file.LONGEST + 1) + b"\n",
            "line 2 is longer than 1,000,000",
        ),
    ],
)
def test_what_is_no_text_is_refused_by_its_line(data: bytes, told: str) -> None:
    with pytest.raises(PromptFileError, match=told):
        read(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "AVIF"])
def test_an_image_is_no_file_of_prompts(kind: str) -> None:
    data = BytesIO()
    Image.effect_noise((64, 64), 90).convert("RGB").save(data, kind)
    with pytest.raises(PromptFileError):
        read(data.getvalue())


def test_it_asks_for_nothing_once_the_end_was_seen_and_not_for_all_at_once() -> None:
    class Endless(RawIOBase):
        asked = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            self.asked += 1
            line = b"a lake\n"[: len(buffer)]
            buffer[: len(line)] = line
            return len(line)

    stream = BufferedReader(endless := Endless())
    assert next(prompt_file.read(stream)) == "a lake"
    assert endless.asked < 30_000

    class Terminal(Endless):
        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            assert self.asked < 2, "read on after the end"
            if self.asked:
                self.asked += 1
                return 0
            return super().readinto(buffer)

    assert list(prompt_file.read(BufferedReader(Terminal()))) == ["a lake"]
