"""Packages as the vendor makes them, small ones."""

import zipfile
from pathlib import Path
from typing import Any

from tests.vendor.packages import PackageError
from tests.vendor.wheels import Wheel

METADATA = """Metadata-Version: 2.5
Name: runapi-{name}
Project-URL: Homepage, https://vendor.example/models
Project-URL: Release Notes, https://vendor.example/releases/tag/python%2Fv{version}

# Sample

    client.text_to_image.create(model="z-image", prompt="a fox")
"""
RESOURCE = """
from runapi.core import Resource

class TextToImage(Resource):
    ENDPOINT = "/api/v1/z_image/text_to_image"
    OTHER = "/api/v1/z_image/other"
"""


def make_wheel(folder: Path, contract: str | None = None, **files: str) -> Path:
    """Writes a wheel of a family, with a contract as its source."""
    path = folder / "runapi_z_image-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("runapi/z_image/resources/text_to_image.py", RESOURCE)
        archive.writestr(
            "runapi_z_image-1.0.dist-info/METADATA",
            METADATA.format(name="z-image", version="1.0"),
        )
        if contract is not None:
            archive.writestr("runapi/z_image/contract_gen.py", contract)
        for name, text in files.items():
            archive.writestr(f"runapi/z_image/{name}.py", text)
    return path


def wheel(version: str, contract: dict[str, Any] | None = None, **facts: Any) -> Wheel:
    """What was read of one version of a package."""
    facts.setdefault("endpoints", frozenset({("service", "text_to_image")}))
    return Wheel(name="runapi-service", version=version, contract=contract, **facts)


class Shelf:
    """An index of such packages."""

    def __init__(self, **wheels: list[Wheel]) -> None:
        """`wheels` are the versions of each package, the newest first."""
        self._wheels = {name.replace("_", "-"): all_ for name, all_ in wheels.items()}

    def versions(self, name: str) -> list[str]:
        if name not in self._wheels:
            raise PackageError(f"pip index {name}: no such package")
        return [wheel.version for wheel in self._wheels[name]]

    def wheel(self, name: str, version: str) -> Wheel:
        found = (each for each in self._wheels[name] if each.version == version)
        return next(found)
