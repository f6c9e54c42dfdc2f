import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.formats.terminal_text import plain
from headway.web.lines import CUT, shown


def texts(line: str) -> list[tuple[str, str]]:
    return [(piece.text, piece.classes) for piece in shown(line).pieces]


@pytest.mark.parametrize(
    ("written", "pieces"),
    [
        ("plain", [("plain", "")]),
        ("", []),
        ("\x1b[31mred\x1b[39m not", [("red", "red"), (" not", "")]),
        ("\x1b[1mb\x1b[22mn", [("b", "bold"), ("n", "")]),
        ("\x1b[97;41mx", [("x", "white on-red")]),
        ("\x1b[38;5;196mx\x1b[0my", [("x", ""), ("y", "")]),
        ("\x1b[38;2;1;2;31mx", [("x", "")]),
        ("\x1b[mx", [("x", "")]),
        # Progress that writes over itself, and a line that ends in one.
        ("1 %\r2 %\r3 %", [("3 %", "")]),
        ("done\r", [("done", "")]),
        # What a terminal would obey: a title, a link, a cleared screen, a question to answer.
        ("\x1b]0;owned\x07after", [("after", "")]),
        ("\x1b]8;;http://evil\x1b\\here\x1b]8;;\x1b\\", [("here", "")]),
        ("\x1b[2J\x1b[Hx", [("x", "")]),
        ("\x1b[6nx", [("x", "")]),
        ("\x1bP+q544e\x1b\\x", [("x", "")]),
        ("a\x00b\x08c", [("a\ufffdb\ufffdc", "")]),
        # What would turn text around is written out.
        ("user\u202egnp.exe", [("user⟨U+202E⟩gnp.exe", "")]),
        # HTML is text like any other: templates escape it.
        ("<b>&amp;</b>", [("<b>&amp;</b>", "")]),
    ],
)
def test_a_line_is_shown_as_it_was_meant_and_does_no_harm(written, pieces):
    assert texts(written) == pieces


def test_a_long_line_is_cut_and_says_how_much_is_left_out():
    line = shown("\x1b[31m" + "x" * (CUT + 500) + "\x1b[0m" + "y" * 100)
    assert sum(len(piece.text) for piece in line.pieces) == CUT
    assert line.more == 600


@given(st.text())
def test_nothing_that_a_terminal_would_obey_is_left_whatever_was_written(text):
    line = "".join(piece.text for piece in shown(text, most=10**6).pieces)
    assert not any(ord(one) < 32 and one not in "\t\n" for one in line)
    assert not any(0x7F <= ord(one) < 0xA0 for one in line)
    assert not any(one in line for one in "\u202a\u202e\u2066\u2069\u200f")


@given(st.text(alphabet="\x1b[]0123456789;:mPX^_\\\x07ab\r\x9b?"))
def test_classes_are_known_words_whatever_the_escapes_say(text):
    known = {"bold", "faint", "italic", "underline"}
    known |= {
        f"{on}{colour}"
        for on in ("", "on-")
        for colour in ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"]
    }
    for piece in shown(text).pieces:
        assert set(piece.classes.split()) <= known


def test_what_is_searched_is_what_is_shown():
    assert plain("\x1b[1mst\x1b[0mart\r\x1b[32mend\x1b[0m") == "end"
