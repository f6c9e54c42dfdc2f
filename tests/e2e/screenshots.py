"""Takes the pictures of the pages in docs/screenshots: `make screenshots`."""

import shutil
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

from headway.web.pages import PAGES
from tests.e2e.browser import DESKTOP, PHONE, address, started, visiting
from tests.e2e.installation import Installation
from tests.e2e.showcase import showcase

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
SIZES = {"desktop": DESKTOP, "phone": PHONE}
SCHEMES = ("light", "dark")
BESIDE = {
    "deployments-canary": "/deployments/{canary}",
    "runs-running": "/runs/{running}",
    "start": "/start?environment={environment}&apps=web",
    "environment-copy": "/envs/{environment}/copy",
    "environment-app-config-set": "/envs/{environment}/apps/{app}/config/set?secret=yes",
    "environment-app-scale": "/envs/{environment}/apps/{app}/scale",
    "node-drain": "/nodes/{busy}/drain",
}
"""Pages that look otherwise as things go well, and two of those on which something is done."""
PLACES = {sys.prefix: "/opt/headway", sys.base_prefix: "/usr"}
"""Where this machine keeps things concerns nobody: the pictures say where others do."""
ELSEWHERE = """places => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode())
    for (const [here, there] of Object.entries(places))
      texts.currentNode.data = texts.currentNode.data.replaceAll(here, there);
}"""


def name(path: str) -> str:
    """What the picture of a page is called: /envs/{environment}/logs is envs-environment-logs."""
    plain = path.strip("/").replace("/", "-").replace("~", "-")
    return plain.translate({ord(one): None for one in "{}"}) or "now"


def addresses(names: dict[str, str]) -> dict[str, str]:
    """Each picture's name, and where its page is; what has to do with jobs is the app `post`'s."""
    paths = {name(page.path): page.path for page in PAGES} | BESIDE
    of_jobs = {**names, "app": "post"}
    return {
        called: address(path, of_jobs if path.startswith(("/jobs/", "/queues/")) else names)
        for called, path in paths.items()
    }


def picture(
    chromium: Browser, own: Installation, pages: dict[str, str], size: str, scheme: str
) -> None:
    """Take one window's picture of every page."""
    options = {"viewport": SIZES[size], "color_scheme": scheme, "reduced_motion": "reduce"}
    with visiting(chromium, own, **options) as opened:
        for called, path in pages.items():
            opened.go(path, refused=called in BESIDE)
            opened.page.evaluate(ELSEWHERE, {**PLACES, str(own.folder): "/var/lib/headway"})
            taken = Image.open(BytesIO(opened.page.screenshot())).convert("RGB")
            small = taken.quantize(128, dither=Image.Dither.NONE)
            small.save(FOLDER / f"{called}-{size}-{scheme}.png", optimize=True)


def index(pages: dict[str, str]) -> str:
    """Show the pictures in one page."""
    shown = [
        f"## {called}\n\n"
        + "\n".join(
            f'<img src="{called}-{size}-{scheme}.png" width="{320 if size == "desktop" else 100}"'
            f' alt="{called}, {size}, {scheme}">'
            for size in SIZES
            for scheme in SCHEMES
        )
        for called in pages
    ]
    head = (
        "# What the pages look like\n\n"
        "Made by `make screenshots`, of a headway with something healthy, something broken and\n"
        "something moving. [What each page is for](../web.md).\n\n"
    )
    return head + "\n\n".join(shown) + "\n"


def main() -> None:
    """Make the place, and take its pictures."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with (
        tempfile.TemporaryDirectory(prefix="headway-") as folder,
        showcase(Path(folder)) as (
            own,
            names,
        ),
    ):
        pages = addresses(names)
        with started() as chromium:
            for size in SIZES:
                for scheme in SCHEMES:
                    picture(chromium, own, pages, size, scheme)
    (FOLDER / "README.md").write_text(index(pages))


if __name__ == "__main__":
    main()
