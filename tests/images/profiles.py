"""ICC profiles, made byte by byte as ICC.1:2001-04 has them."""

import struct

_WHITE = (0.9642, 1.0, 0.8249)  # D50
_SRGB = {
    "r": (0.4361, 0.2225, 0.0139),
    "g": (0.3851, 0.7169, 0.0971),
    "b": (0.1431, 0.0606, 0.7141),
}  # the primaries of sRGB, adapted to D50
_HEADER = 128
_GAMMA = 2.2


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _xyz(value: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(_fixed(part) for part in value)


def _curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def _text(text: str) -> bytes:
    data = text.encode() + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(data)) + data + bytes(78)


def profile(kind: bytes, space: bytes, between: bytes, tags: dict[str, bytes]) -> bytes:
    """Returns a profile of that class, colour space and connection space."""
    tags = {"desc": _text("sRGB built-in"), "wtpt": _xyz(_WHITE), **tags}
    table = struct.pack(">I", len(tags))
    start = _HEADER + 4 + 12 * len(tags)
    data = b""
    for name, value in tags.items():
        table += name.encode() + struct.pack(">2I", start + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    size = start + len(data)
    header = struct.pack(">I4sI", size, b"test", 0x02400000) + kind + space + between
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    header += b"".join(_fixed(part) for part in _WHITE)
    return header.ljust(_HEADER, b"\0") + table + data


def rgb(order: str = "rgb", gamma: float = _GAMMA) -> bytes:
    """Returns a profile of sRGB's primaries in another order."""
    tags: dict[str, bytes] = {}
    for channel, primary in zip("rgb", order, strict=True):
        tags[f"{channel}XYZ"] = _xyz(_SRGB[primary])
        tags[f"{channel}TRC"] = _curve(gamma)
    return profile(b"mntr", b"RGB ", b"XYZ ", tags)


def grey(gamma: float = _GAMMA) -> bytes:
    return profile(b"mntr", b"GRAY", b"XYZ ", {"kTRC": _curve(gamma)})


def cmyk() -> bytes:
    """Returns a profile in which cyan ink is a light green, and all others are none."""
    grid = 2
    corners = b""
    for number in range(grid**4):
        is_cyan = number >= 8
        corners += bytes((200, 60, 190) if is_cyan else (255, 128, 128))
    ramp = bytes(range(256))
    unit = b"".join(_fixed(part) for part in (1, 0, 0, 0, 1, 0, 0, 0, 1))
    table = b"mft1\0\0\0\0" + bytes((4, 3, grid, 0)) + unit
    table += ramp * 4 + corners + ramp * 3
    return profile(b"prtr", b"CMYK", b"Lab ", {"A2B0": table})
