"""A real Chromium at a real headway: what a person sees, and what must never happen meanwhile."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.e2e.installation import Installation

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=20_000)
"""As what a page is waited for otherwise: the machine may be busy."""
_SERIOUS = {"serious", "critical"}
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
WORDS_LEAST_PX = 11


def started() -> AbstractContextManager[Browser]:
    """Debian's Chromium, which `make needs` installs."""
    if not CHROMIUM.exists():
        assert "CI" not in os.environ, "CI tests the pages in a browser: make needs, as root"
        pytest.skip("no Chromium: `make needs`, as root on Debian, installs it")
    return _running()


@contextmanager
def _running() -> Iterator[Browser]:
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


class Visitor:
    """One browser window; what goes wrong in it is remembered."""

    def __init__(self, page: Page, installation: Installation) -> None:
        self.page = page
        self.headway = installation
        self.root = f"http://headway.localhost:{installation.port}"
        self.wrong: list[str] = []
        page.set_default_timeout(20_000)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        page.on("request", lambda request: self._asked(request.url))
        page.on("dialog", lambda dialog: self._dialog(dialog.message, dialog.dismiss))

    def sign_in(self) -> None:
        """Follow the link that the command prints."""
        self.page.goto(self.headway.ok("dashboard").strip())
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(f"{self.root}/")

    def go(self, path: str, *, refused: bool = False) -> None:
        """Open a page, which must be there; or, of an act, may say why it cannot be now."""
        answer = self.page.goto(self.root + path)
        assert answer is not None
        allowed = (200, 409) if refused else (200,)
        assert answer.status in allowed, f"{path}: {answer.status} {answer.text()[:500]}"
        if refused:
            self.forgive()

    def forgive(self) -> None:
        """Leave out what a browser says of answers that refuse something, as they are to."""
        refused = ("status of 409", "status of 422", "status of 403")
        self.wrong = [what for what in self.wrong if not any(word in what for word in refused)]

    def press(self, name: str) -> None:
        """Press a button, or follow a link that looks like one."""
        found = self.page.get_by_role("button", name=name, exact=True)
        link = self.page.get_by_role("link", name=name, exact=True)
        found.or_(link).first.click()

    def choose(self, name: str) -> None:
        """Press what is behind the button More."""
        self.page.locator("summary", has_text="More").click()
        self.press(name)

    def path(self) -> str:
        """Where it is."""
        return urlsplit(self.page.url).path

    def accessible(self) -> list[str]:
        """What axe finds that keeps people out."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(_axe())
        found = self.page.evaluate("axe.run({resultTypes: ['violations']})")
        return [
            f"{row['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
            for row in found["violations"]
            if row["impact"] in _SERIOUS
            for node in row["nodes"]
        ]

    def overflow(self) -> int:
        """By how much a page is wider than its window."""
        return int(
            self.page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
        )

    def small_words(self) -> list[str]:
        """Words in pictures that are shown smaller than somebody reads them."""
        return self.page.evaluate(_SMALL_WORDS, WORDS_LEAST_PX)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(f"console: {message.text} {message.location}")

    def _asked(self, url: str) -> None:
        if not url.startswith(self.root + "/") and not url.startswith("data:"):
            self.wrong.append(f"asked for {url}")

    def _dialog(self, text: str, dismiss) -> None:
        self.wrong.append(f"dialog: {text}")
        dismiss()


_SMALL_WORDS = """least => [...document.querySelectorAll("svg.picture text")]
  .filter(text => text.checkVisibility())
  .map(text => [text, text.getScreenCTM().a * parseFloat(getComputedStyle(text).fontSize)])
  .filter(([, high]) => high < least)
  .map(([text, high]) => `${text.textContent}: ${high.toFixed(1)} px`)
"""


def _axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text()


@contextmanager
def visiting(
    chromium: Browser, installation: Installation, *, signed_in: bool = True, **options
) -> Iterator[Visitor]:
    """A browser of its own, in which nothing may go wrong."""
    context = chromium.new_context(**{"viewport": DESKTOP, **options})
    visitor = Visitor(context.new_page(), installation)
    try:
        if signed_in:
            visitor.sign_in()
        yield visitor
        assert not visitor.wrong
    finally:
        context.close()


_QUERIES = {"/why": "?thing={app}&environment={environment}"}
"""What a page must be asked, beside its path."""


def address(path: str, names: Mapping[str, str]) -> str:
    """Fill the address of a page."""
    whole = re.sub(r":path\}", "}", path + _QUERIES.get(path, ""))
    missing = set(re.findall(r"\{(\w+)\}", whole)) - set(names)
    assert not missing, f"say what fills {missing} of {path}"
    return whole.format(**names)
