"""`make check-vendor`: see CONTRIBUTING.md."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.vendor.check import Check, load_pins
from tests.vendor.differences import load_accepted
from tests.vendor.packages import PipIndex
from tests.vendor.price_list import fetch_price_list
from tui.catalog.load import bundled
from tui.service.base_url import DEFAULT_BASE_URL


def main() -> int:
    """Compares the catalog with the vendor's packages and live price list."""
    parser = argparse.ArgumentParser(prog="make check-vendor", description=main.__doc__)
    parser.add_argument(
        "--folder", type=Path, help="keep the packages here, for the next time"
    )
    parser.add_argument("--base-url", default=DEFAULT_BASE_URL)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        check = Check(
            catalog=bundled(),
            index=PipIndex(options.folder or Path(temporary)),
            pins=load_pins(),
            accepted=load_accepted(),
            fetch_prices=lambda: fetch_price_list(options.base_url),
        )
        return check.run(print)


if __name__ == "__main__":
    sys.exit(main())
