"""What is shipped: the wheel carries its styles and works from anywhere."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CHECKERS = {"ruff", "mypy", "lint-imports"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    code = (
        f"import hatchling.build; print(hatchling.build.build_wheel({str(folder)!r}))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return folder / said.stdout.split()[-1]


def test_the_wheel_carries_styles_and_families(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in [
        *ROOT.glob("styles/*.tcss"),
        *ROOT.glob("tui/catalog/families/*.toml"),
    ]:
        assert f"tui/{path.relative_to(ROOT)}".replace("tui/tui/", "tui/") in names
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {
        "tui",
        "runapi_tui",
    }


def test_the_installed_app_runs_from_another_folder(
    wheel: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    code = (
        "import asyncio, tui\n"
        "from tui.app import RunApp\nfrom tui.session import prepare\nfrom tui.graphics.probe import Images, Terminal\n"
        "app = RunApp(prepare(demo=True), Terminal(Images.HALF, ''))\n"
        "async def main():\n"
        "    async with app.run_test() as pilot:\n"
        "        await pilot.pause()\n"
        "        print(tui.__file__, app.screen.query_one('#form').region.height)\n"
        "asyncio.run(main())\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(site), "HOME": str(tmp_path)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    file, height = said.stdout.split()
    assert file.startswith(str(site))
    assert int(height) > 5


def test_the_wheel_carries_the_mark_of_typed_packages(wheel: Path) -> None:
    assert "tui/py.typed" in zipfile.ZipFile(wheel).namelist()


def test_ci_runs_what_make_check_runs() -> None:
    """As steps of its own: it needs no make."""
    recipes = re.findall(r"^\t(.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    checks = [recipe for recipe in recipes if recipe.split()[0] in CHECKERS]
    script = (ROOT / ".ci/run").read_text().replace('"', "")
    assert len(checks) == 6
    for recipe in checks:
        if "--fix" not in recipe and recipe != "ruff format .":
            assert f"$environment/bin/{recipe}\n" in script


def test_every_test_that_ci_names_is_there() -> None:
    named = re.findall(r"tests/[\w/.]*\w", (ROOT / ".ci/run").read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []
