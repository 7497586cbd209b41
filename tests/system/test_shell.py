"""Words that are copied mean themselves in every shell."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.shells import each_shell, run
from tui.system.shell import command, quoted, word
from tui.text import plain

HOSTILE = [
    *("", " ", "a", "G", "fox", "...", "it's", "''", "'", "''' '", '"', '"$HOME"'),
    *("$(touch x)", "`touch x`", "'$(touch x)'", "'; touch x; '", "a; touch x", "&"),
    *("|touch x", ">x", "<(touch x)", "=(touch x)", "$'\\x41'", "${HOME}", "$$", "$"),
    *(
        "=ls",
        "x==ls",
        "x=~root",
        "x=a:~root",
        "x=a:=ls",
        "~",
        "~root",
        "~/x",
        "-",
        "--",
    ),
    *(
        "-o/etc/x",
        "--out=/etc/x",
        "#",
        "# $(touch x)",
        "x #y",
        "%",
        "%1",
        "%self",
        "%0a",
    ),
    *(
        "!!",
        "!ls",
        "a!b",
        "^a^b",
        "*",
        "?",
        "[a-z]",
        "[",
        "{a,b}",
        "{1..9}",
        "{}",
        "(a)",
    ),
    *(
        "\\",
        "\\\\",
        "\\\\\\",
        "\\'",
        "'\\",
        "a\\",
        "a\\\\'b",
        "\\n",
        "\\\\n",
        "\\$(touch x)",
    ),
    *(
        "a\nb",
        "\n",
        "a\n\n!!\n",
        "\n# $(touch x)\n",
        "a\ttab",
        "*(e:'touch x':)",
        "@(a|b)",
    ),
    *(
        "雪 🦊",
        "👩‍👩‍👧",
        "é\u0301",
        "\u00a0",
        "<<E\n$(touch x)\nE",
        "\\\n",
        "(*)(#q)",
        "x$'",
    ),
    "x'\\$(touch x)\n" * 7_000,
]


@each_shell()
def test_every_word_means_itself(shell: str, tmp_path: Path) -> None:
    lines = [f"curl {word(text)} {quoted(text)} end" for text in HOSTILE]
    assert run(shell, "\n".join(lines), tmp_path) == [
        ["curl", text, text, "end"] for text in HOSTILE
    ]


@pytest.mark.parametrize(
    "text", ["a\0b", "a\x1b[201~b", "a\rb", "\x9b31ma", "a\u202eb", "a\ud800b", "a\x07"]
)
def test_control_characters_are_left_out(text: str) -> None:
    """A terminal would obey them; dash and fish have no way to spell them."""
    assert quoted(text) == f"'{plain(text)}'"
    assert plain(command([text, text])) == command([text, text])


@pytest.mark.parametrize(
    "text", ["z-image", "--demo", "size=1:1", "https://runapi.ai/v1", "01k0vwn3m4a7xq"]
)
def test_plain_words_stay_as_they_are(text: str) -> None:
    assert word(text) == text


@each_shell()
@settings(
    max_examples=5,
    phases=(Phase.generate,),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    st.lists(
        st.text(
            st.sampled_from("'\"\\$`!~=#;&|<>(){}[]*?^%@:,-+ \n\tax")
            | st.characters(exclude_categories=["Cs"]),
            max_size=30,
        ),
        min_size=40,
        max_size=40,
    )
)
def test_any_words_mean_themselves(
    shell: str, tmp_path: Path, texts: list[str]
) -> None:
    clean = [plain(text) for text in texts]
    lines = [f"curl {command([text])}" for text in texts]
    assert run(shell, "\n".join(lines), tmp_path) == [["curl", text] for text in clean]
