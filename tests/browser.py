"""Pages in headless Chromium, which finds no host."""

import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

FITS = """
for (const one of document.querySelectorAll("details")) one.open = true;
const boxes = [...document.querySelectorAll("svg")].filter(one => one.checkVisibility()).map(one => one.getBoundingClientRect());
return {
  inner: innerWidth,
  content: document.documentElement.scrollWidth,
  broken: boxes.filter(box => !(box.width && box.height)).length,
  requests: performance.getEntriesByType("resource").length,
};"""
"""The width of the window and of the page with every fold open, pictures without a size, and what was asked of the network."""

_MEASURE = """<script>addEventListener("load", () => {
  const measured = (() => { %s })();
  parent.postMessage(JSON.stringify(measured), "*");
})</script>"""
_FRAME = """<!DOCTYPE html><iframe src="measured.html" style="border: 0; width: {width}px; height: 900px"></iframe><p id="seen"></p>
<script>addEventListener("message", told => document.getElementById("seen").textContent = told.data)</script>"""
_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


def browse(address: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Headless Chromium; it says on standard error what its console says."""
    binary = shutil.which("chromium")
    if binary is None:
        pytest.skip("needs chromium (apt-get install chromium)")
    offline = ["--proxy-server=127.0.0.1:9", "--host-resolver-rules=MAP * ~NOTFOUND", "--disable-background-networking"]
    fixed = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", f"--user-data-dir={address.parent / 'profile'}"]
    environment = os.environ | {"HOME": str(address.parent)}
    command = [binary, *fixed, *offline, "--virtual-time-budget=5000", *options, address.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=True, env=environment)


def measured(page: Path, width: int, script: str = FITS) -> Any:
    """What a script returns in a page of that width.

    The page stands inside a frame, since a window of a browser has a least width, and without its policy, which would not let the
    script run: nothing of the page runs for want of a policy either, then.
    """
    text = _POLICY.sub("", page.read_text(encoding="utf-8"))
    page.with_name("measured.html").write_text(text.replace("</body>", f"{_MEASURE % script}</body>"), encoding="utf-8")
    frame = page.with_name("frame.html")
    frame.write_text(_FRAME.format(width=width), encoding="utf-8")
    shown = browse(frame, "--dump-dom", "--window-size=1400,1000")
    assert "CONSOLE" not in shown.stderr, shown.stderr
    seen = re.search(r'<p id="seen">(.+?)</p>', shown.stdout, re.DOTALL)
    assert seen is not None, shown.stderr
    return json.loads(unescape(seen[1]))


def picture_of(page: Path, width: int) -> Path:
    """A picture of the page; its console must be silent."""
    target = page.with_suffix(".png")
    shot = browse(page, f"--screenshot={target}", f"--window-size={width},1200")
    assert "CONSOLE" not in shot.stderr, shot.stderr
    return target
