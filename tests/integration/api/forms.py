"""Forms of the pages, filled in and sent as a browser does."""

import re

import httpx2

FORM = {"content-type": "application/x-www-form-urlencoded"}


def pressed(browser: httpx2.Client, path: str, **said: str) -> httpx2.Response:
    """Look at a form with what was said, and send it with the plan that was shown."""
    shown = browser.get(path, params=said).text
    planned = re.search(r'name="planned" value="([^"]*)"', shown)
    data = {**said, "planned": planned[1]} if planned else said
    return browser.post(path, headers=FORM, data=data)
