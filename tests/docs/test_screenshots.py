"""That docs/screenshots is whole: every page and act, in each size and scheme, and nothing else."""

import pytest

from headway.web.pages import ACTS, PAGES
from tests.e2e.pictured import ADDRESSES, FOLDER, PICTURES, SCHEMES, SIZES, index, name

_AGAIN = "take them anew: make screenshots"
_MIB_MAX = 10


def test_every_page_and_act_is_pictured_in_each_size_and_scheme():
    wanted = {
        f"{name(what.path)}-{size}-{scheme}.png"
        for what in (*PAGES, *ACTS)
        for size in SIZES
        for scheme in SCHEMES
    }
    assert wanted <= {file.name for file in FOLDER.glob("*.png")}, _AGAIN


def test_there_is_no_picture_that_nothing_is_seen_on_and_none_is_missing():
    wanted = [file for picture in PICTURES for file in picture.files()]
    assert len(wanted) == len(set(wanted)), "two pages have pictures of one name"
    assert set(wanted) == {file.name for file in FOLDER.glob("*.png")}, _AGAIN


def test_their_page_shows_them_all():
    text = (FOLDER / "README.md").read_text()
    assert text == index(), _AGAIN
    for picture in PICTURES:
        for file in picture.files():
            assert f'src="{file}"' in text


@pytest.mark.parametrize("path", ADDRESSES)
def test_what_is_said_of_a_page_is_said_of_one_that_there_is(path):
    assert path in {what.path for what in (*PAGES, *ACTS)}


def test_they_stay_small():
    taken = sum(file.stat().st_size for file in FOLDER.glob("*.png"))
    assert taken < _MIB_MAX * 2**20
