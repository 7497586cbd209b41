"""Where the pictures of an answer are: in the documented places, or else anywhere.

Whoever has paid wants each picture, whatever the answer looks like; and nothing that is
none, such as the request's own sources, where the answer repeats them.
"""

import json
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

from tui.service.base_url import same_origin
from tui.service.inline_pictures import taken_out
from tui.text import is_inert_line, one_line

# Where results have been seen, in the order in which they are shown.
_RESULT_KEYS = (
    *("images", "base_image", "layers", "segments", "masks", "covers", "videos"),
    *("result_urls", "urls", "url", "output_url", "outputs", "output", "result"),
)
_OWN_KEYS = frozenset(_RESULT_KEYS[:8])
"""What is in these is a result whatever its address looks like."""
# Read where an object has none of those; the first of them that leads to a picture.
_OTHER_KEYS = (
    *("image_urls", "image_url", "imageUrls", "imageUrl", "output_urls", "result_url"),
    *("output_images", "output_image", "generated_images", "image", "pictures"),
    *("b64_json", "image_base64", "base64", "b64", "origin_url", "original_url"),
)
# Layers of an image are labelled: with this word, and the number in this field.
_LAYERS = {
    "base_image": ("base", ""),
    "layers": ("layer", "z_index"),
    "segments": ("segment", "index"),
}
_NO_RESULT = re.compile(
    "source|input|reference|mask|request|params|callback|webhook|docs|help|error"
    "|status|location|prompt|dashboard|terms|policy|pricing|billing|invoice"
    "|documentation|support|homepage|website"
)
"""Matches names of fields whose URLs are never results."""
_OF_RESULT = re.compile(
    "image|picture|photo|output|result|file|media|artifact|asset|generated|final"
    "|download|b64|base64|upscaled|render"
)
"""Matches names of fields whose URLs are probably results."""
_DOUBTFUL = re.compile(
    "thumb|preview|poster|placeholder|blur|small|origin|link|page|share|web(?!p)|view"
    r"|avatar|account|profile|author|owner|logo|icon|\buser\b|\bmodel\b"
)
"""Matches names of fields that have something beside the results."""
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_URL_IN_TEXT = re.compile(r"https?://[^\s\"'<>()\[\]{}\\^`|]{1,8192}")
_RELATIVE = re.compile(r"(?:\./|//?)?[^\s/:?#\"'<>\\][^\s\"'<>\\]*")
_PICTURE_TYPES = frozenset(
    (
        *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".apng"),
        *(".avif", ".heic", ".heif", ".jxl", ".jp2", ".tif", ".tiff", ".bmp", ".svg"),
        *(".mp4", ".webm", ".mov"),
    )
)
_PAGE_TYPES = frozenset(
    (
        *(".html", ".htm", ".xhtml", ".php", ".aspx", ".jsp", ".md", ".txt"),
        *(".json", ".xml", ".pdf", ".js", ".css"),
    )
)

_MOST_ITEMS = 1000
_MOST_DEPTH, _MOST_DEPTH_ELSEWHERE = 6, 8
_MOST_NESTED = 1_000_000
"""Characters of JSON text within an answer that are read."""
_MOST_LAYER_NUMBER = 9999
MOST_RESULTS = 128
"""Results of a task that are kept; the models make 15 at most, and some layers."""
MOST_URL = 8192
"""Characters; a longer URL is none."""
_MOST_FOUND = 100_000
"""URLs that are counted beyond those."""
_MOST_TEXT = 100_000
"""Characters of a text in which URLs are searched."""


class ImageLink(NamedTuple):
    """The address of a result: a URL, or that of a picture within the answer."""

    url: str
    label: str = ""
    """Its place in the image, where it is only a layer: `layer 2`, `segment 1: sky`."""


class Found(NamedTuple):
    """The results in an answer, each address once and in the order of the answer."""

    named: list[ImageLink]
    """Those in the known places, of any number."""
    elsewhere: tuple[str, ...]
    """Those in other fields, `MOST_RESULTS` at most."""
    doubtful: tuple[str, ...]
    """Addresses that may be of something else, such as previews and pages."""


class _Place(NamedTuple):
    """A link as it was found."""

    link: ImageLink
    is_own: bool
    """Whether the field is one that has nothing but results."""


def find(
    answer: dict[str, Any],
    base_url: str,
    *,
    sent: Collection[str] = (),
    pictures: Collection[str] = (),
) -> Found:
    """Returns the results in an answer.

    `sent` are the addresses of the request, from `addresses_in`: they are no results.
    `pictures` are the addresses of the pictures that came with the answer.
    """
    finder = _Finder(base_url, frozenset(sent), frozenset(pictures))
    labels: dict[str, str] = {}
    own: dict[str, bool] = {}
    for place in islice(finder.results(answer), _MOST_FOUND):
        link = place.link
        labels[link.url] = labels.get(link.url) or link.label
        own[link.url] = own.get(link.url, False) or place.is_own
    if any(own.values()):
        labels = {
            url: label
            for url, label in labels.items()
            if own[url] or not finder.is_page(url)
        }
    named = [ImageLink(url, label) for url, label in labels.items()]
    if named:
        return Found(named, (), ())
    ranks: list[dict[str, None]] = [{}, {}, {}]
    for rank, url in islice(finder.elsewhere(answer), _MOST_FOUND):
        if len(ranks[rank]) < MOST_RESULTS:
            ranks[rank][url] = None
    likely, possible, doubtful = map(tuple, ranks)
    places = (answer, unpacked(answer.get("data")), envelope_body(answer))
    if any(isinstance(place, dict) and _has_own_field(place) for place in places):
        # An empty list of images says that there are none, at least for now.
        return Found([], (), likely or possible)
    return Found([], likely or possible, doubtful)


def addresses_in(body: bytes) -> frozenset[str]:
    """Returns the addresses in a request, as `find` compares them.

    They are its sources, wherever they stand, and where to call back.
    """
    text, pictures = taken_out(body)
    found = set(pictures)
    with suppress(ValueError, RecursionError):
        _collect(json.loads(text), found, 0)
    return frozenset(found)


def is_url(text: str) -> bool:
    """Tells whether a text is one web URL, and nothing in it can control a terminal."""
    if len(text) > MOST_URL or not text.startswith(("http://", "https://")):
        return False
    return is_inert_line(text)


# ---- values of unknown shape


def envelope_body(answer: dict[str, Any]) -> Any:
    """Returns the answer in a result's `response` envelope, which may be JSON text."""
    response = answer.get("response")
    if not isinstance(response, dict):
        return None
    return unpacked(response.get("body"))


def unpacked(value: Any) -> Any:
    """Returns what JSON text holds, None for other text, and any other value as is."""
    return _parsed(value) if isinstance(value, str) else value


def _parsed(text: str) -> Any:
    """Returns the object or list that is in a text as JSON; None for other text."""
    if len(text) > _MOST_NESTED or not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _collect(value: Any, found: set[str], depth: int) -> None:
    if depth > _MOST_DEPTH_ELSEWHERE:
        return
    if isinstance(value, str):
        found.add(_comparable(value))
        for url in _URL_IN_TEXT.findall(value[:_MOST_TEXT]):
            found.add(_comparable(url))
            found.add(_comparable(url.rstrip(".,;:!?")))
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            _collect(item, found, depth + 1)


def _comparable(url: str) -> str:
    """Returns what doesn't differ between two spellings of a URL."""
    if not url.startswith(("http://", "https://")):
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return f"//{parts.netloc.lower()}{unquote(parts.path)}?{unquote(parts.query)}"


class _Finder:
    """Walks through an answer, whose depth and width nobody has promised."""

    def __init__(
        self, base_url: str, sent: frozenset[str], pictures: frozenset[str]
    ) -> None:
        self._base_url = base_url
        self._sent = sent
        self._pictures = pictures

    # ---- the documented places

    def results(
        self, value: Any, label: str = "", depth: int = 0, is_own: bool = False
    ) -> Iterator[_Place]:
        if depth > _MOST_DEPTH:
            return
        if isinstance(value, str):
            url = self._address(value, is_relative=is_own)
            if url:
                yield _Place(ImageLink(url, label), is_own)
            else:
                yield from self.results(_parsed(value), label, depth + 1, is_own)
        elif isinstance(value, list):
            for item in value[:_MOST_ITEMS]:
                yield from self.results(item, label, depth + 1, is_own)
        elif isinstance(value, dict):
            yield from self._in_object(value, label, depth, is_own)

    def _in_object(
        self, value: dict[str, Any], label: str, depth: int, is_own: bool
    ) -> Iterator[_Place]:
        is_empty = True
        for key in _RESULT_KEYS:
            if key in value:
                for place in self._in_field(
                    key, value[key], label, depth + 1, is_own or key in _OWN_KEYS
                ):
                    is_empty = False
                    yield place
        inner = (unpacked(value.get("data")), envelope_body(value))
        for item in inner:
            if isinstance(item, dict | list):
                for place in self.results(item, label, depth + 1, is_own):
                    is_empty = False
                    yield place
        if is_empty and not _has_own_field(value):
            yield from self._in_other_field(value, label, depth, is_own)

    def _in_other_field(
        self, value: dict[str, Any], label: str, depth: int, is_own: bool
    ) -> Iterator[_Place]:
        """Yields what is in the first field that has something: all may be the same."""
        for key in _OTHER_KEYS:
            found = False
            if key in value:
                for place in self._at_key(key, value[key], label, depth + 1, is_own):
                    found = True
                    yield place
            if found:
                return

    def _in_field(
        self, key: str, value: Any, label: str, depth: int, is_own: bool
    ) -> Iterator[_Place]:
        if key not in _LAYERS:
            yield from self._at_key(key, value, label, depth, is_own)
        elif isinstance(value, list):
            for number, item in enumerate(value[:_MOST_ITEMS], 1):
                layer = _layer_label(key, item, number)
                yield from self.results(item, layer, depth + 1, is_own)
        else:
            word, _ = _LAYERS[key]
            yield from self.results(value, word, depth, is_own)

    def _at_key(
        self, key: str, value: Any, label: str, depth: int, is_own: bool
    ) -> Iterator[_Place]:
        """As `results`, where the name of a field says that a path is a URL."""
        if isinstance(value, str) and "url" in key.lower():
            url = self._address(value, is_relative=True)
            if url and depth <= _MOST_DEPTH:
                yield _Place(ImageLink(url, label), is_own)
                return
        yield from self.results(value, label, depth, is_own)

    # ---- any place

    def elsewhere(
        self, value: Any, depth: int = 0, rank: int = 1
    ) -> Iterator[tuple[int, str]]:
        """Yields URLs with their rank: 0 for probable results, 2 for doubtful ones.

        Fields whose names say that they have no result are left out.
        """
        if depth > _MOST_DEPTH_ELSEWHERE:
            return
        if isinstance(value, str):
            yield from self._in_text(value, depth, rank)
        elif isinstance(value, list):
            for item in value[:_MOST_ITEMS]:
                yield from self.elsewhere(item, depth + 1, rank)
        elif isinstance(value, dict):
            for name, item in value.items():
                words = _CAMEL.sub("_", name).lower().replace("_", " ")
                if not _NO_RESULT.search(words):
                    yield from self.elsewhere(item, depth + 1, _rank(words, rank))

    def _in_text(self, text: str, depth: int, rank: int) -> Iterator[tuple[int, str]]:
        url = self._address(text, is_relative=False)
        if url:
            if not self.is_page(url):
                yield rank, url
            elif rank == 0 and _suffix(url) not in _PAGE_TYPES:
                yield 2, url
            return
        inner = _parsed(text)
        if inner is not None:
            yield from self.elsewhere(inner, depth + 1, rank)
            return
        for part in _URL_IN_TEXT.findall(text[:_MOST_TEXT]):
            url = self._address(part.rstrip(".,;:!?"), is_relative=False)
            if url and _suffix(url) in _PICTURE_TYPES:
                yield rank, url

    # ---- addresses

    def _address(self, text: str, *, is_relative: bool) -> str:
        """Returns the address of a result that a text is, or "".

        A path is one of the service, where `is_relative` says that paths are expected
        here, or where it ends as the name of a picture does.
        """
        if text in self._pictures:
            return "" if text in self._sent else text
        url = text if is_url(text) else self._absolute(text, is_relative)
        return "" if not url or _comparable(url) in self._sent else url

    def _absolute(self, text: str, is_relative: bool) -> str:
        if len(text) > MOST_URL or not _RELATIVE.fullmatch(text):
            return ""
        is_picture = "/" in text and _suffix(text) in _PICTURE_TYPES
        if not is_picture and not (is_relative and text.startswith("/")):
            return ""
        try:
            url = urljoin(f"{self._base_url}/", text)
        except ValueError:
            return ""
        return url if is_url(url) else ""

    def is_page(self, url: str) -> bool:
        """Tells whether a URL looks like a page: a picture's has another place."""
        if url in self._pictures:
            return False
        kind = _suffix(url)
        if kind in _PICTURE_TYPES:
            return False
        return kind in _PAGE_TYPES or same_origin(url, self._base_url)


def _has_own_field(value: dict[str, Any]) -> bool:
    """Tells whether an object has a field of results, be it an empty one."""
    return any(value.get(key) is not None for key in _OWN_KEYS)


def _suffix(url: str) -> str:
    try:
        return PurePosixPath(unquote(urlsplit(url).path)).suffix.lower()
    except ValueError:
        return ""


def _rank(words: str, rank: int) -> int:
    if rank == 2 or _DOUBTFUL.search(words):
        return 2
    return 0 if _OF_RESULT.search(words) else rank


# ---- layers


def _layer_label(key: str, item: Any, position: int) -> str:
    """Returns a layer's label: its number and name, or else its position."""
    word, number_field = _LAYERS[key]
    fields = item if isinstance(item, dict) else {}
    name = fields.get("name")
    name = one_line(name, 40) if isinstance(name, str) else ""
    number = fields.get(number_field)
    if _is_layer_number(number):
        word = f"{word} {number}"
    elif not name:
        word = f"{word} {position}"
    return f"{word}: {name}" if name else word


def _is_layer_number(value: object) -> bool:
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return 0 <= value <= _MOST_LAYER_NUMBER
