"""What every template keeps to, read off the templates themselves."""

import re
from pathlib import Path

import jinja2
import pytest

from headway import web

_FOLDER = Path(web.__file__).parent / "templates"
_TEMPLATES = sorted(path.name for path in _FOLDER.glob("*.html"))
_LIVE = re.compile(r"{% block (live_\w+)[^%]*%}\s*<(\w+)[^>]*? id=\"(\w+)\"")


@pytest.mark.parametrize("name", _TEMPLATES)
def test_nothing_is_let_through_that_the_content_policy_would_refuse(name):
    text = (_FOLDER / name).read_text()
    assert not re.findall(r"<[a-z][^>]*\son\w+=", text)
    assert not re.findall(r"<[a-z][^>]*\sstyle=", text)
    assert not re.findall(r"<style|javascript:|hx-on|hx-vals|https?://(?!www\.w3\.org)", text)
    assert all(" src=" in tag for tag in re.findall(r"<script[^>]*>", text))


@pytest.mark.parametrize("name", _TEMPLATES)
def test_no_template_takes_escaping_off(name):
    text = (_FOLDER / name).read_text()
    assert not re.findall(r"\|\s*safe|autoescape|Markup", text)


@pytest.mark.parametrize("name", _TEMPLATES)
def test_each_live_block_is_one_element_with_its_name(name):
    text = (_FOLDER / name).read_text()
    blocks = set(re.findall(r"{% block (live_\w+)", text))
    assert {block: block for block in blocks} == {
        block: identity for block, _, identity in _LIVE.findall(text)
    }


@pytest.mark.parametrize("name", _TEMPLATES)
def test_each_live_block_is_drawn_in_its_page_too(name):
    text = (_FOLDER / name).read_text()
    for block in re.findall(r"{% block (live_\w+)", text):
        assert f"parts.{block} }}}}" in text


@pytest.mark.parametrize("name", _TEMPLATES)
def test_each_form_that_changes_something_carries_what_it_must(name):
    text = (_FOLDER / name).read_text()
    for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", text, re.DOTALL):
        assert "{{ csrf() }}" in form


@pytest.mark.parametrize("name", _TEMPLATES)
def test_it_can_be_parsed(name):
    jinja2.Environment(autoescape=True).parse((_FOLDER / name).read_text())
