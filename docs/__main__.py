"""Writes the pages that are made from the code: `python -m docs`."""

from pathlib import Path

from headway.formats.reference import page, settings_page

REFERENCE = Path(__file__).parent / "reference"
(REFERENCE / "manifest.md").write_text(page())
(REFERENCE / "settings.md").write_text(settings_page())
