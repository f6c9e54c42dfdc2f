"""Takes the pictures of the pages in docs/screenshots: `make screenshots`."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browser import DESKTOP, PHONE, Visitor, address, started, visiting
from tests.e2e.installation import Installation
from tests.e2e.pictured import FOLDER, PICTURES, SCHEMES, SIZES, Picture, Scene, index
from tests.e2e.showcase import fresh, showcase
from tests.e2e.test_access import as_

_WINDOWS = {"desktop": DESKTOP, "phone": PHONE}
_WINDOWS_MOST = 2
"""A page that is longer than so many windows is cut."""
_EXACT, _COLOURS = 16, 40
_PLACES = {sys.prefix: "/opt/headway", sys.base_prefix: "/usr"}
"""Where this machine keeps things concerns nobody: the pictures say where others do."""
_ELSEWHERE = """places => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode())
    for (const [here, there] of Object.entries(places))
      texts.currentNode.data = texts.currentNode.data.replaceAll(here, there);
}"""
_DRAWN = """() => document.fonts.status === "loaded"
  && [...document.querySelectorAll("[data-figures] [data-measure]")]
    .every(one => one.querySelector(".uplot"))"""


class Photographer:
    """Takes pictures of one headway; they are made small beside."""

    def __init__(self, chromium: Browser, own: Installation, names: dict[str, str]) -> None:
        self._chromium = chromium
        self._own = own
        self._names = names
        self._places = {**_PLACES, str(own.data): "/var/lib/headway", str(own.folder): "/srv"}

    def take(self, scene: Scene, beside: ThreadPoolExecutor) -> None:
        """Take all pictures of a scene."""
        pictures, kept = [one for one in PICTURES if one.scene is scene], []
        for size in SIZES:
            options = {"viewport": _WINDOWS[size], "reduced_motion": "reduce"}
            is_known = scene is not Scene.DOOR
            with visiting(self._chromium, self._own, signed_in=is_known, **options) as visitor:
                for picture in pictures:
                    for scheme, taken in self._both(visitor, picture, size):
                        file = FOLDER / picture.file(size, scheme)
                        kept.append(beside.submit(_keep, taken, file))
        for one in kept:
            one.result()

    def _both(self, visitor: Visitor, picture: Picture, size: str) -> Iterator[tuple[str, bytes]]:
        """Give a page as it is in each scheme; it is the same page, at about the same instant."""
        page = visitor.page
        page.set_viewport_size(_WINDOWS[size])
        page.emulate_media(color_scheme=SCHEMES[0])
        answer = page.goto(visitor.root + address(picture.address, self._names))
        assert answer is not None
        assert answer.status == picture.status, f"{picture.name}: {answer.status} {answer.url}"
        if page.locator("#stream").count():
            expect(page.locator("#link")).to_have_text("live")
        page.wait_for_function(_DRAWN)
        _enlarge(page)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            page.evaluate(_ELSEWHERE, self._places)
            yield scheme, page.screenshot(animations="disabled")
        told = f"status of {picture.status}"  # by the browser, of what is refused as it is to be
        visitor.wrong = [what for what in visitor.wrong if told not in what]


def _enlarge(page: Page) -> None:
    """Make the window as high as its page goes; one that is open at its end stays as it is."""
    size = page.viewport_size
    assert size is not None
    high, is_at_end = page.evaluate("[document.documentElement.scrollHeight, window.scrollY > 0]")
    if high > size["height"] and not is_at_end:
        most = size["height"] * _WINDOWS_MOST
        page.set_viewport_size({**size, "height": min(high, most)})


def _keep(taken: bytes, file: Path) -> None:
    """Write a picture with as many colours as a page of words needs; large areas keep theirs."""
    picture = Image.open(BytesIO(taken)).convert("RGB")
    pixels = np.asarray(picture, dtype=np.int32) @ np.array([1 << 16, 1 << 8, 1])
    codes, where, counts = np.unique(pixels, return_inverse=True, return_counts=True)
    colours = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1)
    often = colours[np.argsort(-counts)[:_EXACT]]
    others = np.array(picture.quantize(_COLOURS).getpalette()).reshape(-1, 3)[:_COLOURS]
    known = np.concatenate([often, others])
    nearest = np.square(colours[:, None] - known).sum(axis=2).argmin(axis=1)
    small = Image.fromarray(nearest[where].reshape(pixels.shape).astype(np.uint8))
    small.putpalette(known.astype(np.uint8).tobytes())
    small.save(file, optimize=True)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="headway-") as folder:
        yield Path(folder)


def main() -> None:
    """Make the places, and take their pictures."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    (FOLDER / "README.md").write_text(index())
    with started() as chromium, ThreadPoolExecutor(2) as beside:
        with _folder() as folder, fresh(folder) as own:
            Photographer(chromium, own, {}).take(Scene.FRESH, beside)
        with _folder() as folder, showcase(folder) as (own, names):
            viewer = as_(own, "viewer")
            names["link"] = _link(own)
            for scene, who in ((Scene.SHOP, own), (Scene.DOOR, own), (Scene.VIEWER, viewer)):
                Photographer(chromium, who, names).take(scene, beside)


def _link(own: Installation) -> str:
    """Give the address that signs in, once; looking at it does not use it."""
    parts = urlsplit(own.ok("dashboard").strip())
    return f"{parts.path}?{parts.query}"


if __name__ == "__main__":
    main()
