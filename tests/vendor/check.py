"""The whole check, and what it prints."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
from msgspec import Struct

from tests.vendor.compare import by_service, compare_family
from tests.vendor.differences import Difference, Entry, Sorted, sort
from tests.vendor.packages import Index, PackageError, newest
from tests.vendor.price_list import (
    Items,
    PriceListError,
    compare_price_list,
    compare_prices,
)
from tests.vendor.wheels import Wheel, WheelError
from tui.catalog.load import Catalog
from tui.text import by_count, one_line

PINS = Path(__file__).parent / "pins.toml"
_AT_ONCE = 4
"""Packages that are fetched at the same time."""
OK, DIFFERS, UNREACHABLE = 0, 1, 2
Print = Callable[[str], None]


class Pins(Struct, frozen=True, forbid_unknown_fields=True):
    """The versions that were last looked at, by package."""

    looked_at: str
    packages: dict[str, str]


def load_pins(path: Path = PINS) -> Pins:
    """Reads the pins. Raises ValueError for a file that is none."""
    return msgspec.toml.decode(path.read_bytes(), type=Pins)


class _Found(Struct, frozen=True):
    """A package, or why it can't be had."""

    name: str
    newest: Wheel | None = None
    described: Wheel | None = None
    """The newest version with a contract."""
    problem: str = ""


class Check(Struct, frozen=True, kw_only=True):
    """What is compared with what."""

    catalog: Catalog
    index: Index
    pins: Pins
    accepted: list[Entry]
    fetch_prices: Callable[[], Items]
    """Raises PriceListError."""

    def run(self, say: Print) -> int:
        """Compares everything, prints what was found, and returns the exit code."""
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            found = list(threads.map(self._find, sorted(self.pins.packages)))
        _say_packages(found, say)
        is_newer = self._say_newer(found, say)
        items = self._prices(say)
        differences = list(self._compare(found))
        if items is not None:
            differences += compare_price_list(items, self.catalog)
            _say_lines("Prices that changed", compare_prices(items, self.catalog), say)
        result = sort(differences, self.accepted, has_network=items is not None)
        is_complete = not any(package.problem for package in found)
        _say_result(result, say, is_complete)
        if not is_complete:
            return UNREACHABLE
        return DIFFERS if is_newer or result.new else OK

    def _prices(self, say: Print) -> Items | None:
        """Returns the live price list, or says why there is none."""
        try:
            return self.fetch_prices()
        except PriceListError as error:
            say(f"\nThe live price list was not compared: {error}.")
            return None

    def _find(self, name: str) -> _Found:
        try:
            return _Found(name, *newest(self.index, name))
        except (PackageError, WheelError) as error:
            return _Found(name, problem=str(error))

    def _compare(self, found: list[_Found]) -> Iterator[Difference]:
        families = by_service(self.catalog.families)
        packages = {package.name: package for package in found}
        for service, family in families.items():
            package = packages.pop(package_of(service), None)
            if package is None:
                yield Difference(service, "package", "not in pins.toml", "described")
            elif package.newest:
                described = package.described
                contract = described.contract if described else None
                yield from compare_family(family, package.newest, contract)
        for name in packages:
            yield Difference(name, "package", "in pins.toml", "no such family")

    def _say_newer(self, found: list[_Found], say: Print) -> bool:
        """Prints what is newer than the pins, and returns whether anything is."""
        newer = [
            f"{package.name} {package.newest.version} (looked at:"
            f" {self.pins.packages[package.name]}): {package.newest.release_page}"
            for package in found
            if package.newest
            and package.newest.version != self.pins.packages[package.name]
        ]
        heading = f"Not looked at yet; the last time was {self.pins.looked_at}"
        _say_lines(heading, newer, say)
        return bool(newer)


def package_of(service: str) -> str:
    """Returns how the package of a service is called."""
    return f"runapi-{service.replace('_', '-')}"


def _say_packages(found: list[_Found], say: Print) -> None:
    say("Packages")
    for package in found:
        say(f"  {one_line(_package_line(package))}")


def _package_line(package: _Found) -> str:
    if package.newest is None:
        return f"{package.name}: {package.problem}"
    line = f"{package.name} {package.newest.version}"
    if package.described is None:
        return f"{line}, no version has a contract"
    return f"{line}, contract of {package.described.version}"


def _say_result(result: Sorted, say: Print, is_complete: bool) -> None:
    """Prints the differences; what is unused, only where everything was compared."""
    _say_lines("Differences", map(str, result.new), say)
    if is_complete:
        unused = [entry.difference for entry in result.unused]
        _say_lines("Accepted, but not there any more", unused, say)
    summary = by_count(
        len(result.new),
        "1 difference is new, {accepted} are accepted.",
        "{count} differences are new, {accepted} are accepted.",
        accepted=len(result.accepted),
    )
    say(f"\n{summary}")


def _say_lines(heading: str, lines: Iterable[str], say: Print) -> None:
    """Prints lines below a heading; without lines, nothing."""
    lines = list(lines)
    if lines:
        say(f"\n{heading}")
    for line in lines:
        say(f"  {one_line(line)}")
