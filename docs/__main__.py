"""Writes the pages that are made from the code: `python -m docs`."""

from pathlib import Path

from headway.formats.reference import page

(Path(__file__).parent / "reference" / "manifest.md").write_text(page())
