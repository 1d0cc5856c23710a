"""A real Chromium opens the pages: nothing is fetched from elsewhere, names stay text, and what is shown is live."""

import shutil
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect, sync_playwright
from slow_cases import mostly_slow
from toy_dashboard import HOSTILE, TOKEN, add_study, opened, served, train

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
LONG = "n" * 180
DRAWN = "#report iframe:not(.next)"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: apt-get install chromium")


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """Two studies, one hostile in all its names; one test trains the other one on."""
    with opened(tmp_path_factory.mktemp("browser") / "study.db") as store:
        store.live = add_study(store, "live", ended=3)
        add_study(store, HOSTILE, sites=("conv1", f"<img src=x onerror=alert(3)>{LONG}"))
        yield store


@pytest.fixture(scope="module")
def base(database):
    with served(database) as base:
        yield base


@pytest.fixture
def opening(browser, base):
    """A function that opens a page of a given width; afterwards no page may have complained or asked elsewhere."""
    complaints, requests = [], []

    @contextmanager
    def open_page(path, width=1200):
        with browser.new_context(viewport={"width": width, "height": 800}, has_touch=width < 600) as context:
            context.on("request", lambda request: requests.append(request.url))
            page = context.new_page()
            page.set_default_timeout(60_000)
            page.on("console", lambda message: complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
            page.goto(f"{base}/enter?token={TOKEN}")
            page.wait_for_url(f"{base}/")
            page.goto(base + path)
            yield page

    yield open_page
    assert complaints == []
    assert {url for url in requests if not url.startswith((base + "/", "data:", "blob:"))} == set()
    assert requests


@pytest.mark.parametrize("width", mostly_slow([1200, 390], 390))
@pytest.mark.parametrize("path", ["/", "/studies/2", "/studies/2/trials/4"])
def test_pages_render_and_fit(opening, path, width):
    with opening(path, width) as page:
        if path.endswith("/2"):
            page.wait_for_selector(DRAWN)
            frame = page.frames[-1]
            assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert frame.locator(".js-plotly-plot").count() > 0
        if "trials" in path:
            expect(page.locator("#figure-metric .scatterlayer .trace")).to_have_count(3)
        expect(page.locator("#live")).to_have_text("live")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert HOSTILE in page.inner_text("body")
        assert page.locator("img").count() == 0


def test_links_lead_from_the_studies_to_a_run_and_to_optuna(opening, base):
    with opening("/") as page:
        page.click("text=live >> nth=-1")
        page.wait_for_url(f"{base}/studies/1")
        page.wait_for_selector(DRAWN)
        page.frame_locator(DRAWN).locator("#trials tbody a").nth(1).click()
        page.wait_for_url(f"{base}/studies/1/trials/1")
        page.click("text=run 2 →")
        page.wait_for_url(f"{base}/studies/1/trials/2")
        expect(page.locator("h1")).to_contain_text("Run 2")
        page.click("nav >> text=in Optuna")
        page.wait_for_url(f"{base}/dashboard/studies/*/trials?numbers=2")
        expect(page.locator("body")).to_contain_text("live")


def test_hovering_over_a_point_tells_its_run(opening):
    with opening("/studies/1/trials/2") as page:
        page.locator("#figure-metric .nsewdrag").hover()
        page.locator("#figure-metric .point").last.hover(force=True)
        expect(page.locator("#figure-metric .hoverlayer")).to_contain_text("run 2, epoch 2: 72")


def test_a_study_that_goes_on_is_shown_going_on(opening, database):
    """The report, the first page and the page of a run follow what a worker records, where the reader is."""
    with opening("/studies/1") as report, opening("/") as studies, opening("/studies/1/trials/3") as run:
        report.wait_for_selector(DRAWN)
        expect(report.locator("#words")).to_have_text("3 complete, 6 waiting")
        expect(run.locator("h1")).to_contain_text("waiting")
        place = report.frames[-1].evaluate("(scrollTo(0, 700), scrollY)")
        train(database, database.live, 3)
        expect(report.locator("#words")).to_have_text("4 complete, 5 waiting", timeout=60_000)
        rows = report.frame_locator(DRAWN).locator("#trials tr.complete")
        expect(rows).to_have_count(4, timeout=60_000)
        assert place > 0
        assert report.frames[-1].evaluate("scrollY") == place
        expect(studies.locator("#content")).to_contain_text("4 complete, 5 waiting", timeout=60_000)
        expect(run.locator("h1")).to_contain_text("complete", timeout=60_000)
        expect(run.locator("#figure-loss .scatterlayer .trace")).to_have_count(2)


def test_a_page_says_when_the_dashboard_is_gone(browser, tmp_path):
    with opened(tmp_path / "study.db") as store:
        add_study(store, "first", ended=0)
        with browser.new_context() as context:
            page = context.new_page()
            with served(store) as base:
                page.goto(f"{base}/enter?token={TOKEN}")
                expect(page.locator("#live")).to_have_text("live")
            expect(page.locator("#live")).to_contain_text("no answer", timeout=60_000)


def test_a_page_says_when_the_dashboard_was_started_anew(browser, base):
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{base}/enter?token={TOKEN}")
        expect(page.locator("#live")).to_have_text("live")
        context.clear_cookies()  # what a new secret comes to
        expect(page.locator("#live")).to_contain_text("started anew", timeout=60_000)


def test_the_browser_keeps_the_secret_from_scripts(opening):
    with opening("/") as page:
        assert page.evaluate("document.cookie") == ""
        assert TOKEN not in page.url
