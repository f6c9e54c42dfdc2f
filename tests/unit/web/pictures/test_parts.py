"""What pictures are made of."""

from datetime import timedelta

import pytest

from headway.web.pictures.parts.svg import link, picture, rect, shape, write
from headway.web.pictures.parts.text import clean, fit, measure
from headway.web.pictures.parts.time import Axis
from tests.unit.web.pictures.reading import Seen
from tests.unit.web.pictures.things import NOW

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\x1b[31mred\x1b[0m\x00\x07",
    "user\u202egnp.exe",
    "]]>&amp;&#60;",
    "\ud800\ufffe",
    "👩‍👩‍👧" * 50,
    "﷽" * 40,
    "x" * 1_000_000,
)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text(text: str) -> None:
    svg = picture(
        "A picture",
        text,
        200,
        40,
        (write(text, 0, 20, room=200), link("/x", text, rect(0, 0, 9, 9, text[:999]))),
    )
    seen = Seen(svg)
    seen.assert_whole()
    assert "<script" not in svg
    assert "\u202e" not in svg
    assert len(svg) < 20_000


def test_a_text_that_was_cut_says_all_of_it_when_pointed_at() -> None:
    seen = Seen(picture("P", "s", 100, 20, (write("student-report-exporter", 0, 15, room=80),)))
    assert seen.texts == ["student-r…"]
    assert seen.titles == ["student-report-exporter"]


def test_a_text_of_unknown_width_is_held_to_what_was_measured() -> None:
    svg = picture("P", "s", 100, 20, (write("日本語", 0, 15, room=80),))
    assert f'textLength="{measure("日本語"):g}"' in svg


def test_no_style_and_no_script_gets_into_a_picture() -> None:
    for attribute in ("style", "onclick"):
        with pytest.raises(AssertionError):
            shape("rect", **{attribute: "x"})


@pytest.mark.parametrize("to", ["", "https://evil", "//evil", "/\\evil", "javascript:alert(1)"])
def test_what_is_no_page_of_headway_is_no_link(to: str) -> None:
    assert Seen(picture("P", "s", 10, 10, (link(to, "there"),))).links == []


def test_cleaning_keeps_what_people_write() -> None:
    assert clean("Grüße, 日本 – שלום 👍") == "Grüße, 日本 – שלום 👍"
    assert fit("Grüße", 100) == "Grüße"


@pytest.mark.parametrize("seconds", [0.003, 1, 11, 59, 600, 5000, 86400, 40 * 86400, 4e8])
def test_marks_of_an_axis_do_not_touch(seconds: float) -> None:
    for width in (200.0, 340.0, 920.0):
        axis = Axis(begin=NOW, end=NOW + timedelta(seconds=seconds), left=8, right=width - 8)
        for marks in (axis.elapsed(20, 40), axis.clock(20, 40)):
            seen = Seen(picture("Axis", "time", width, 60, marks))
            seen.assert_whole()
        assert 2 <= len(list(axis.elapsed(20, 40))) / 2 <= 12
