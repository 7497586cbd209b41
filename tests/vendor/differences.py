"""A difference between vendor and catalog, and those that are known and accepted."""

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

ACCEPTED = Path(__file__).parent / "accepted.toml"


class Difference(Struct, frozen=True, order=True):
    """One fact that differs."""

    place: str
    """What it is about: `flux_2/text_to_image/flux-2-pro-text-to-image prompt`."""
    fact: str
    vendor: str
    catalog: str

    def __str__(self) -> str:
        return f"{self.place} {self.fact}: vendor {self.vendor}, catalog {self.catalog}"


class Entry(Struct, frozen=True, forbid_unknown_fields=True):
    """Differences that are as they should be, with the reason."""

    difference: str
    """As it is printed; `*` stands for anything."""
    reason: str
    needs_network: bool = False
    """Whether only the live price list can show it."""

    def fits(self, difference: Difference) -> bool:
        parts = map(re.escape, self.difference.split("*"))
        return re.fullmatch(".*".join(parts), str(difference)) is not None


class _File(Struct, forbid_unknown_fields=True):
    accepted: list[Entry] = []


def load_accepted(path: Path = ACCEPTED) -> list[Entry]:
    """Reads the accepted differences. Raises ValueError for a file that is none."""
    entries = msgspec.toml.decode(path.read_bytes(), type=_File).accepted
    for entry in entries:
        if not entry.reason.strip():
            raise ValueError(f"no reason is given for: {entry.difference}")
    return entries


class Sorted(Struct, frozen=True):
    """Differences by what is known of them."""

    new: list[Difference]
    accepted: list[Difference]
    unused: list[Entry]
    """Entries that fit no difference any more."""


def sort(
    differences: Iterable[Difference], entries: list[Entry], *, has_network: bool = True
) -> Sorted:
    """Sorts differences into new and accepted ones.

    Without a network, entries that need it don't count as unused.
    """
    new: list[Difference] = []
    accepted: list[Difference] = []
    used: set[Entry] = set()
    for difference in sorted(set(differences)):
        fitting = [entry for entry in entries if entry.fits(difference)]
        used.update(fitting)
        (accepted if fitting else new).append(difference)
    unused = [
        entry
        for entry in entries
        if entry not in used and (has_network or not entry.needs_network)
    ]
    return Sorted(new, accepted, unused)
