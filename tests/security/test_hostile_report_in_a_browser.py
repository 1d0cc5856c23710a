"""A report on a poisoned database, opened as a file in a real Chromium: no script of a stranger runs."""

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright
from poison import call, poison_names

from tests.reliability.poison import MARKUP

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def test_words_are_shown_and_nothing_else_happens(home: Path, sentinel: Path) -> None:
    assert CHROMIUM is not None
    assert call("report", "-o", "report.html", poison_names(home, sentinel)).code == 0
    told: list[str] = []
    asked: list[str] = []
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=CHROMIUM) as browser:
        page = browser.new_page()
        page.on("console", lambda message: told.append(message.text))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("dialog", lambda dialog: (told.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: asked.append(request.url))
        page.goto((home / "report.html").as_uri())
        page.wait_for_selector(".js-plotly-plot .main-svg", timeout=60_000)
        text = page.inner_text("body")
        images = page.locator("img").count()
        figures = page.locator(".js-plotly-plot").count()
    assert MARKUP in text
    assert "{{ 7 * 7 }}" in text
    assert images == 0
    assert figures > 3
    assert told == []
    assert {url for url in asked if not url.startswith(("data:", "blob:"))} == {(home / "report.html").as_uri()}
