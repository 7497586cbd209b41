"""Copied commands, run by real shells: they start one program, with the words meant."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.hostile.payloads import MARK, PAYLOADS
from tui.catalog.load import bundled
from tui.catalog.spec import Values
from tui.exchange import snippets

SHELLS = {
    "bash": ["bash", "--norc"],
    "zsh": ["zsh", "-f"],
    "zsh as at a prompt": ["zsh", "-f", "-o", "interactivecomments"],
    "dash": ["dash"],
    "fish": ["fish", "--no-config"],
}
_MODEL = bundled().find("flux-kontext-pro")


def _copied(form: str, folder: Path) -> list[str]:
    """Returns a copied command for each payload, in the prompt and in a file's name."""
    commands = []
    for number, text in enumerate(PAYLOADS.values()):
        file = folder / str(number) / text.replace("/", "∕")
        values: Values = {"prompt": text, "image_url": str(file)}
        asked = snippets.of_draft(
            _MODEL, "service", values, bundled(), "https://runapi.ai"
        )
        commands.append(snippets.written(asked, form))
    return commands


@pytest.mark.parametrize("form", ["curl", "cli"])
@pytest.mark.parametrize("shell", SHELLS)
def test_a_copied_command_starts_nothing_else(
    shell: str, form: str, tmp_path: Path
) -> None:
    words = SHELLS[shell]
    if not shutil.which(words[0]):
        pytest.skip(f"{words[0]} is not here")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("curl", "runapi-tui"):
        program = programs / name
        program.write_text(f'#!/bin/sh\necho "$0" >> {tmp_path}/started\n')
        program.chmod(0o755)
    work = tmp_path / "work"
    work.mkdir()
    copied = _copied(form, tmp_path / "files")
    script = tmp_path / "script"
    script.write_text(
        "\n".join(copied) + "\n", encoding="utf-8", errors="surrogateescape"
    )
    ended = subprocess.run(
        [*words, str(script)],
        cwd=work,
        env={"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "HOME": str(work)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
    )
    assert ended.stderr == b""
    assert len((tmp_path / "started").read_text().splitlines()) == len(copied)
    assert [path.name for path in work.rglob("*") if MARK in path.name] == []
