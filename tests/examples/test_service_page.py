"""The page of examples/service.py in a headless Chromium: what a person sees.

Needs Chromium and its chromedriver (Debian: chromium-driver) and the package selenium. COMFY_HEADLESS_SCREENSHOT names
a file to keep the picture of the docs in.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from comfy_headless.simulator import Simulator
from tests.examples.service import Service
from tests.faults.clients import until

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = pytest.mark.browser

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=760,800",
)


@pytest.fixture
def comfy() -> Iterator[Simulator]:
    """A server on which a video takes some five seconds."""
    with Simulator(step_seconds=1.2) as simulator:
        yield simulator


@pytest.fixture
def service(comfy: Simulator, tmp_path: Path) -> Iterator[Service]:
    with Service(comfy.url, tmp_path) as started:
        yield started


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chrome]:
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService

    options = ChromeOptions()
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.binary_location = shutil.which("chromium") or ""
    chrome = Chrome(options, ChromeService(shutil.which("chromedriver")))
    yield chrome
    chrome.quit()


class Page:
    """The page, by what it shows."""

    def __init__(self, chrome: Chrome, url: str) -> None:
        self.chrome = chrome
        chrome.get(url)

    def find(self, name: str) -> Any:
        """The element with this id."""
        return self.chrome.find_element("id", name)

    def value(self, name: str, key: str) -> Any:
        """A property of an element."""
        return self.chrome.execute_script(f"return document.getElementById('{name}').{key}")

    @property
    def percent(self) -> float:
        """Where the progress bar stands."""
        return float(self.value("bar", "value"))

    @property
    def prompt_id(self) -> str:
        """The id behind the # of the address."""
        return str(self.chrome.execute_script("return location.hash.slice(1)"))

    def ask(self, prompt: str) -> None:
        """Type a prompt and press Enter."""
        self.find("prompt").send_keys(prompt + "\n")

    def shown(self, name: str) -> bool:
        """Whether an element can be seen."""
        return bool(self.find(name).is_displayed())

    def complaints(self) -> list[str]:
        """What the browser's console says is wrong."""
        return [entry["message"] for entry in self.chrome.get_log("browser") if entry["level"] == "SEVERE"]


SIZE = (832, 480)
"""Of the preset that a first try gets on a card of 24 GB: wan_fast, in four steps."""


def test_a_person_makes_a_video(browser: Chrome, service: Service) -> None:
    """A prompt is typed, the bar moves, a picture shows; a reload in the middle goes on; at the end a video plays."""
    page = Page(browser, service.url)
    page.ask("a lighthouse in a storm")
    until(lambda: page.percent > 20)
    early, prompt_id = page.percent, page.prompt_id
    until(lambda: page.shown("preview") and page.value("preview", "naturalWidth") > 0)
    until(lambda: page.percent > early + 15)
    keep(browser)
    until(lambda: " · step" in page.find("said").text)
    browser.refresh()
    until(lambda: page.percent > early and page.value("preview", "naturalWidth") > 0)
    assert page.prompt_id == prompt_id
    until(lambda: page.shown("video") and page.value("video", "readyState") >= 2, seconds=30)
    assert (page.value("video", "videoWidth"), page.value("video", "videoHeight")) == SIZE
    assert page.value("video", "duration") > 4
    assert page.find("said").text == "Done"
    assert not page.shown("work")
    requests = service.log.count("/events")
    assert page.complaints() == []
    browser.refresh()
    until(lambda: page.shown("video") and page.value("video", "readyState") >= 2)
    until(lambda: page.value("video", "currentTime") > 0)
    assert service.log.count("/events") == requests + 1


def keep(browser: Chrome) -> None:
    """Keep a picture of the page for the docs, where one is asked for."""
    if target := os.environ.get("COMFY_HEADLESS_SCREENSHOT"):
        Path(target).write_bytes(browser.get_screenshot_as_png())


def test_a_person_cancels(browser: Chrome, service: Service) -> None:
    """The button ends the job on the server, and the page says so."""
    page = Page(browser, service.url)
    page.ask("a red kite")
    until(lambda: page.percent > 0)
    page.find("cancel").click()
    until(lambda: "cancelled the job" in page.find("said").text)
    assert service.status(page.prompt_id) == "failed"
    assert not page.shown("work")
    page.ask(", higher")
    until(lambda: page.percent > 0 and page.shown("work"))


def test_a_person_closes_the_page(browser: Chrome, service: Service) -> None:
    """Whoever leaves finds the video by its address later."""
    page = Page(browser, service.url)
    page.ask("a red kite")
    until(lambda: page.percent > 20)
    address = browser.current_url
    browser.get("about:blank")
    until(lambda: service.status(address.partition("#")[2]) == "done", seconds=30)
    browser.get(address)
    until(lambda: page.shown("video") and page.value("video", "readyState") >= 2)


def test_the_service_dies_under_an_open_page(browser: Chrome, service: Service) -> None:
    """The page says that it asks again, and goes on by itself once the service is back."""
    page = Page(browser, service.url)
    page.ask("a red kite")
    until(lambda: page.percent > 20)
    service.kill()
    until(lambda: "Asking again" in page.find("said").text)
    service.start()
    until(lambda: page.shown("video") and page.value("video", "readyState") >= 2, seconds=40)


def test_the_page_tells_what_is_wrong(browser: Chrome, service: Service, comfy: Simulator) -> None:
    """An unknown id and a server that is away are said in words."""
    page = Page(browser, f"{service.url}/#00000000-0000-4000-8000-000000000000")
    until(lambda: "neither queued nor in the history" in page.find("said").text)
    address = comfy.url
    comfy.stop()
    page.ask("a red kite")
    until(lambda: f"no ComfyUI answers at {address}" in page.find("said").text)


def test_the_page_asks_again_until_comfyui_is_back(browser: Chrome, tmp_path: Path) -> None:
    """While no ComfyUI answers the page says so, and it hears by itself what one says that comes back."""
    with Simulator() as gone:
        address = gone.url
    with Service(address, tmp_path) as service:
        page = Page(browser, f"{service.url}/#00000000-0000-4000-8000-000000000000")
        until(lambda: f"no ComfyUI answers at {address}" in page.find("said").text)
        with Simulator(port=int(address.rpartition(":")[2])):
            until(lambda: "neither queued nor in the history" in page.find("said").text)
