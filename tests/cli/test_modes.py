"""Who else may read and write what commands make, whatever the umask is."""

import stat
from pathlib import Path

import pytest

from tests.cli.test_export import run


def modes(folder: Path) -> dict[str, int]:
    """The permissions of all that is below a folder."""
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode)
        for path in folder.rglob("*")
        if not path.is_symlink()
    }


@pytest.mark.parametrize("embed", ["embed = true\n", "embed = false\n"])
def test_nobody_else_may_write_to_what_commands_make(embed: str, home: Path) -> None:
    config = home / ".config" / "runapi-tui" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(embed)
    home.chmod(0o700)
    before = modes(home)
    words = ("generate", "flux-2-pro-text-to-image", "-p", "a fox", "--demo")
    done = run(*words, umask=0)
    assert done.returncode == 0, done.stderr
    made = {name: mode for name, mode in modes(home).items() if name not in before}
    images = {name for name in made if name.startswith("Pictures")}
    assert any(name.endswith((".png", ".jpg", ".webp")) for name in images)
    assert {made[name] for name in images} <= {0o755, 0o644, 0o600, 0o700}
    assert [name for name in made.keys() - images if made[name] & 0o077] == []
