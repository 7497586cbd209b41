"""A package is read as literals: what it would do when imported never happens."""

from pathlib import Path

import pytest

from tests.vendor.made import make_wheel
from tests.vendor.wheels import WheelError, read_wheel


def test_contract_addresses_samples_and_release_page_are_read(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, 'CONTRACT = {"text-to-image": {"models": ["z-image"]}}')
    wheel = read_wheel(path, "runapi-z-image", "1.0")
    assert wheel.contract == {"text-to-image": {"models": ["z-image"]}}
    assert wheel.endpoints == {("z_image", "text_to_image")}
    assert wheel.samples == {"z-image"}
    assert wheel.release_page == "https://vendor.example/releases/tag/python%2Fv1.0"


def test_a_package_without_a_contract_has_none(tmp_path: Path) -> None:
    assert read_wheel(make_wheel(tmp_path), "runapi-z-image", "1.0").contract is None


def test_code_is_not_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    code = f"open({str(mark)!r}, 'w').close()\n"
    path = make_wheel(tmp_path, f"{code}CONTRACT = {{}}", client=code)
    assert read_wheel(path, "runapi-z-image", "1.0").contract == {}
    assert not mark.exists()


@pytest.mark.parametrize(
    "contract",
    [
        "CONTRACT = {'a': open('/etc/hostname').read()}",
        "CONTRACT = []",
        "OTHER = {}",
        "CONTRACT = {",
        "",
    ],
)
def test_a_contract_that_is_no_literal_is_refused(
    tmp_path: Path, contract: str
) -> None:
    with pytest.raises(WheelError, match="can't be read"):
        read_wheel(make_wheel(tmp_path, contract), "runapi-z-image", "1.0")


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.whl"
    path.write_bytes(b"no archive")
    with pytest.raises(WheelError, match=r"a\.whl can't be read"):
        read_wheel(path, "a", "1")
