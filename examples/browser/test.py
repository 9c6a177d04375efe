#!/usr/bin/env python3
"""examples/browser/test.py [SCREENSHOT.png]: opens the page in headless Chromium, moves the
slider to each width and holds what the page shows against what the command line tool says of
the same sample. Needs widebeam_browser.wasm (build.sh) and the Debian packages chromium and
chromium-driver; exits 3 without them."""

import base64
import contextlib
import functools
import http.server
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

FOLDER = pathlib.Path(__file__).parent

# Rates of wrong characters, from `widebeam decode --beams WIDTH`: greedy, beam, closest.
EXPECTED = {
    1: ["7.4 %", "7.4 %", "7.4 %"],
    2: ["7.4 %", "6.7 %", "6.4 %"],
    16: ["7.4 %", "6.2 %", "4.6 %"],
    64: ["7.4 %", "6.2 %", "4.0 %"],
    1000: ["7.4 %", "5.8 %", "3.0 %"],
}

ARGUMENTS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync
    --disable-background-networking --disable-component-update --window-size=1000,1400""".split()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextlib.contextmanager
def served(folder):
    """The address of the files of a folder."""
    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class Browser:
    """A session of the WebDriver protocol (W3C, 2018)."""

    def __init__(self, port, profile):
        self.base = f"http://127.0.0.1:{port}/session"
        options = {"binary": shutil.which("chromium"), "args": [*ARGUMENTS, f"--user-data-dir={profile}"]}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        answer = self.ask("POST", "", {"capabilities": {"alwaysMatch": wanted}})
        self.base += "/" + answer["sessionId"]

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from None

    def run(self, script, *arguments):
        return self.ask("POST", "/execute/sync", {"script": script, "args": arguments})


@contextlib.contextmanager
def browser():
    driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True)
    with tempfile.TemporaryDirectory() as profile:
        session = None
        try:
            port = next(m[1] for line in driver.stdout if (m := re.search(r"successfully on port (\d+)", line)))
            session = Browser(port, profile)
            yield session
        finally:
            if session:
                session.ask("DELETE", "")
            driver.terminate()
            driver.wait()


SHOWN = """
    const texts = (within, what) => [...within.querySelectorAll(what)].map((cell) => cell.textContent);
    return {
        status: document.querySelector("#status").textContent,
        beams: document.querySelector("#beams").textContent,
        rates: texts(document, "#summary td:nth-child(3)"),
        lines: document.querySelectorAll("details").length,
        readings: document.querySelectorAll("details:first-child .readings tr").length,
    };
"""

MOVE = """
    const slider = document.querySelector("#width");
    slider.value = arguments[0];
    slider.dispatchEvent(new Event("input"));
"""


def check(page):
    deadline = time.monotonic() + 60
    while page.run(SHOWN)["status"] == "Loading …":
        assert time.monotonic() < deadline, "the page has not loaded within a minute"
        time.sleep(0.05)
    seen = {}
    for place in [*range(11), 6]:
        page.run(MOVE, place)
        shown = page.run(SHOWN)
        assert re.match(r"Decoded in \d+ ms in this browser, on one thread", shown["status"]), shown
        assert shown["lines"] == 12, shown
        width = int(shown["beams"])
        assert shown["readings"] == min(width, 8), shown
        seen[width] = shown["rates"]
    for width, rates in EXPECTED.items():
        assert seen[width] == rates, (width, seen[width], rates)
    # On a phone nothing is wider than the page.
    size = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    page.ask("POST", "/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": size})
    page.run("document.querySelector('details').open = true")
    wide = page.run("return document.documentElement.scrollWidth")
    assert wide == size["width"], wide
    page.ask("POST", "/goog/cdp/execute", {"cmd": "Emulation.clearDeviceMetricsOverride", "params": {}})
    errors = page.ask("POST", "/se/log", {"type": "browser"})
    assert not errors, errors
    # A width that no search can have is an error in words, not a trap.
    refused = page.run("""
        return (async () => {
            const { instance } = await WebAssembly.instantiateStreaming(fetch("widebeam_browser.wasm"));
            const { decode, answer, memory } = instance.exports;
            const length = decode(0);
            return new TextDecoder().decode(new Uint8Array(memory.buffer, answer(), length));
        })();""")
    assert "beam width of 0" in json.loads(refused)["error"], refused
    return seen


def main():
    wasm = FOLDER / "widebeam_browser.wasm"
    missing = [name for name in ["chromium", "chromedriver"] if not shutil.which(name)]
    if missing or not wasm.exists():
        print(f"needs {', '.join(missing) or 'examples/browser/build.sh'}", file=sys.stderr)
        return 3
    with served(FOLDER) as address, browser() as page:
        page.ask("POST", "/url", {"url": address})
        seen = check(page)
        if sys.argv[1:]:
            image = base64.b64decode(page.ask("GET", "/screenshot"))
            pathlib.Path(sys.argv[1]).write_bytes(image)
    print(f"{len(seen)} widths in the page of {wasm.stat().st_size:,} bytes of WebAssembly")
    return 0


if __name__ == "__main__":
    sys.exit(main())
