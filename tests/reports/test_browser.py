#!/usr/bin/env python3
"""The page in a real browser: headless Chromium on a desktop, a phone, paper and in dark mode.

Usage: test_browser.py CHIRPBENCH DATA OUT. Makes the page of the result files in DATA (or takes DATA, a page FILE.html), opens it in every mode and checks that no element
is wider than the window, that every text can be read against what is behind it, that every figure shows and has a name of its own,
that the browser logs no error and fetches nothing, and that it prints on few pages. Screenshots and the PDF stay in OUT.
Skipped (77) without Chromium (Debian package chromium or chromium-headless-shell).
"""
import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

MOST_PAGES, MOST_BYTES = 14, 3_000_000
TALLEST = 6000  # of a screenshot [px]
A4_PX = 718  # 210 mm less both margins of 10 mm, at 96 pixels an inch

# Everything that is wrong with the page as it stands, one sentence each.
LOOK = r"""
(() => {
  const wrong = [], wide = innerWidth;
  const name = e => `<${e.tagName.toLowerCase()} class="${e.getAttribute('class') || ''}"> ` + (e.textContent || '').trim().slice(0, 50);
  const scrolls = e => { for (; e; e = e.parentElement) if (/auto|scroll/.test(getComputedStyle(e).overflowX)) return true; return false; };
  const shown = e => e.checkVisibility() && e.getBoundingClientRect().width > 0;
  if (document.documentElement.scrollWidth > wide) wrong.push(`the page is ${document.documentElement.scrollWidth} wide in a window of ${wide}`);
  for (const e of document.body.querySelectorAll('*')) {
    if (e.closest('svg') || !shown(e)) continue;
    const b = e.getBoundingClientRect();
    if ((b.right > wide + 1 || b.left < -1) && !scrolls(e)) wrong.push(`past the edge (${b.left.toFixed()} to ${b.right.toFixed()} of ${wide}): ${name(e)}`);
  }
  // a table that doesn't fit scrolls by keyboard and shows its first column while it does
  for (const e of document.querySelectorAll('.wide')) if (shown(e) && e.scrollWidth > e.clientWidth + 1) {
    if (MODE === 'print') { wrong.push(`cut on paper by ${e.scrollWidth - e.clientWidth}: ${name(e)}`); continue; }
    if (e.tabIndex < 0 || !e.getAttribute('aria-label')) wrong.push(`scrolls without keyboard or name: ${name(e)}`);
    e.scrollLeft = 1e6;
    const first = e.querySelector('tbody th').getBoundingClientRect(), left = e.getBoundingClientRect().left;
    if (Math.abs(first.left - left) > 1) wrong.push(`the first column scrolls away: ${name(e)}`);
    if (first.width > 0.6 * e.clientWidth) wrong.push(`the first column leaves no room: ${name(e)}`);
    e.scrollLeft = 0;
  }
  const names = new Set();
  for (const f of document.querySelectorAll('figure')) {
    const svg = f.querySelector('svg[role=img]');
    if (!svg) { wrong.push(`a figure without picture: ${name(f)}`); continue; }
    const title = (svg.querySelector('title') || {}).textContent || '', box = svg.getBoundingClientRect();
    if (title.length < 8 || names.has(title)) wrong.push(`no name of its own: figure "${title}"`);
    names.add(title);
    if (box.width < 200 || box.height < 80) wrong.push(`too small to read, ${box.width.toFixed()} x ${box.height.toFixed()}: ${title}`);
    for (const t of svg.querySelectorAll('title, desc')) if (/gnuplot|\$|using \d/.test(t.textContent)) wrong.push(`gnuplot's own words in "${title}": ${t.textContent}`);
    for (const t of svg.querySelectorAll('text')) {
      const b = t.getBoundingClientRect();
      if (b.width && (b.left < box.left - 2 || b.right > box.right + 2 || b.top < box.top - 2 || b.bottom > box.bottom + 2))
        wrong.push(`text leaves figure "${title}": ${t.textContent}`);
    }
  }
  // contrast as WCAG 2 defines it, 4.5 for text and 3 for what is drawn
  const rgb = c => (c.match(/[\d.]+/g) || []).map(Number);
  const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] > 0.99) return c.slice(0, 3); } return [255, 255, 255]; };
  const bad = new Set(), walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !shown(e) || e.closest('title, desc')) continue;
    const s = getComputedStyle(e), drawn = !!e.closest('svg');
    const c = rgb(drawn ? s.fill : s.color);
    if (c.length < 3) continue;
    const a = light(c.slice(0, 3)), b = light(behind(e)), ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < (drawn ? 3 : 4.5)) bad.add(`contrast ${ratio.toFixed(1)}: ${name(e)}`);
  }
  if (MODE === 'print') for (const e of document.querySelectorAll('details *')) if (!e.closest('summary') && !e.checkVisibility({contentVisibilityAuto: true})) { wrong.push(`folded on paper: ${name(e)}`); break; }
  return JSON.stringify({wrong: wrong.concat([...bad]), figures: names.size, tables: document.querySelectorAll('table').length});
})()
"""


class Browser:
    """Chromium behind a pipe: messages are JSON texts that end with a zero byte."""

    def __init__(self, program, folder):
        to_child, self.out = os.pipe()
        self.into, from_child = os.pipe()
        line = [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--disable-extensions", "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
                "--remote-debugging-pipe", "--user-data-dir=" + folder]
        # descriptors 3 and 4 are the browser's end of the pipe
        shell = ["sh", "-c", 'in=$1 out=$2; shift 2; eval "exec 8<&$in 9>&$out"; exec 3<&8 4>&9 8<&- 9>&-; exec "$@"', "sh",
                 str(to_child), str(from_child)] + line
        self.child = subprocess.Popen(shell, pass_fds=(to_child, from_child), start_new_session=True,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_child)
        os.close(from_child)
        self.rest, self.number, self.session, self.events = b"", 0, None, []

    def message(self):
        while b"\0" not in self.rest:
            more = os.read(self.into, 1 << 20)
            if not more:
                raise SystemExit("FAIL: the browser ended")
            self.rest += more
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **parameters):
        self.number += 1
        request = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        data = json.dumps(request).encode() + b"\0"
        while data:
            data = data[os.write(self.out, data):]
        while True:
            answer = self.message()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise SystemExit("FAIL: %s: %s" % (method, answer["error"]))
                return answer["result"]
            self.events.append(answer)

    def open(self, url):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in "Page", "Runtime", "Log", "Network":
            self.call(domain + ".enable")
        self.events.clear()
        self.call("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.message())

    def close(self):
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.child.wait()


def complaints(events, url):
    """What the browser fetched besides the page, and what it logged."""
    for event in events:
        parameters = event.get("params", {})
        if event.get("method") == "Network.requestWillBeSent":
            asked = parameters["request"]["url"]
            if asked != url and not asked.startswith("data:"):
                yield "fetches " + asked
        elif event.get("method") == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            yield "logs " + parameters["entry"]["text"]
        elif event.get("method") == "Runtime.exceptionThrown" or (
                event.get("method") == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning")):
            yield "logs " + json.dumps(parameters)[:200]


def look(browser, mode, width, height, out):
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mode == "phone")
    browser.call("Emulation.setEmulatedMedia", media="print" if mode == "print" else "screen",
                 features=[{"name": "prefers-color-scheme", "value": "dark" if mode == "dark" else "light"}])
    result = browser.call("Runtime.evaluate", expression="const MODE = %r; %s" % (mode, LOOK.strip()), replMode=True)
    if "exceptionDetails" in result:
        raise SystemExit("FAIL: %s" % result["exceptionDetails"])
    seen = json.loads(result["result"]["value"])
    size = browser.call("Page.getLayoutMetrics")["cssContentSize"]
    whole = [(mode, min(size["height"], TALLEST))] if mode in ("desktop", "phone") else []
    for name, tall in whole + [(mode + "_first", height)]:
        picture = browser.call("Page.captureScreenshot", captureBeyondViewport=True,
                               clip={"x": 0, "y": 0, "width": width, "height": tall, "scale": 1})
        with open(os.path.join(out, name + ".png"), "wb") as file:
            file.write(base64.b64decode(picture["data"]))
    print("%-8s %d px: %d figures, %d tables, %d px high, %d faults"
          % (mode, width, seen["figures"], seen["tables"], size["height"], len(seen["wrong"])), flush=True)
    return [mode + ": " + fault for fault in seen["wrong"]]


def check(browser, page, out):
    url = "file://" + page
    browser.open(url)
    wrong = []
    for mode, width, height in ("desktop", 1280, 900), ("phone", 390, 844), ("dark", 1280, 900), ("print", A4_PX, 1000):
        wrong += look(browser, mode, width, height, out)
    wrong += sorted(set(complaints(browser.events, url)))
    for fault in wrong:
        print("FAIL: " + fault, flush=True)
    pdf = base64.b64decode(browser.call("Page.printToPDF", preferCSSPageSize=True)["data"])
    with open(os.path.join(out, "print.pdf"), "wb") as file:
        file.write(pdf)
    pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
    print("printed on %d pages, %.2f MB" % (pages, os.path.getsize(page) / 1e6))
    fine = not wrong and 1 <= pages <= MOST_PAGES and os.path.getsize(page) <= MOST_BYTES
    if not fine:
        print("FAIL: see above; at most %d pages and %.0f MB" % (MOST_PAGES, MOST_BYTES / 1e6))
    return fine


def main(chirpbench, data, out):
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-headless-shell", "google-chrome"))), None)
    if not program:
        print("SKIPPED: no browser: install Debian package chromium or chromium-headless-shell")
        return 77
    os.makedirs(out, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        page = os.path.join(folder, "page.html")
        if data.endswith(".html"):
            page = os.path.abspath(data)
        else:
            shutil.copytree(data, os.path.join(folder, "results"), ignore=shutil.ignore_patterns("*.h5", "*.hdf5", "logs"))
            subprocess.run([chirpbench, "report", os.path.join(folder, "results"), "--out", page, "--quiet"], check=True)
        browser = Browser(program, os.path.join(folder, "browser"))
        try:
            fine = check(browser, page, out)
        finally:
            browser.close()
    return 0 if fine else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the browser ends with us
    sys.exit(main(*sys.argv[1:]))
