"""The live board under load: chambers that each write a hundred lines a second, looked at in Chromium.

    python tests/bench/board.py [--minutes 10] [--chambers 8] [--rate 100] [--open]

Journals are written by the writer that engines use, in a process of their own. Says the server's CPU (of one core), its
memory at the start and at the end, the page's memory, and the time from an event to the frame that shows it, p50 and
p99 over all events. An event is on the screen with the first card painted that counts it; the time is taken in the
animation frame after that paint, by the computer's one clock, so that nothing is left out.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behavior.model.commands import BeginComponent
from behavior.model.events import LeverPressed, LeverReleased, SessionStarted
from browser.lab import Playing, S, Screens

WATCH = """() => {
  window.seen = [];
  new MutationObserver((changes) => {
    const now = changes.map((c) => [c.target.dataset.key, Number(c.target.dataset.lastUs)]);
    requestAnimationFrame(() => {
      const at = performance.timeOrigin + performance.now();
      for (const [key, us] of now) window.seen.push([key, us, at]);
    });
  }).observe(document.getElementById('cards'), { subtree: true, attributes: true, attributeFilter: ['data-last-us'] });
}"""


def write(data: str, chambers: int, rate: float, seconds: float, told: Any) -> None:
    """The chambers, in a process of their own."""
    gap_us = round(S / rate)
    items: list[Any] = [SessionStarted(0), BeginComponent("unpunished")]
    kinds = (LeverReleased, LeverPressed)
    items += [kinds[k % 2](k * gap_us, "left") for k in range(1, round(seconds * rate))]
    playing = [Playing(Path(data), items, chamber=chr(65 + k), subject=f"R{k + 1}") for k in range(chambers)]
    told.put({f"lab/{chr(65 + k)}": one.zero_epoch_s * 1000 for k, one in enumerate(playing)})
    time.sleep(seconds + 1)
    for one in playing:
        one.end()


def latencies_ms(seen: list[list[Any]], zero_ms: dict[str, float], rate: float) -> list[float]:
    """From each event to the frame after the first paint that counts it."""
    gap_us, found = round(S / rate), []
    for key, zero in zero_ms.items():
        due_us = None
        for _, us, at_ms in (one for one in seen if one[0] == key):
            if due_us is not None:
                while due_us <= us:
                    found.append(at_ms - (zero + due_us / 1000))
                    due_us += gap_us
            due_us = (us // gap_us + 1) * gap_us  # the first paint says where to begin
    return sorted(found)


def main() -> None:
    """Measure."""
    import psutil
    from playwright.sync_api import sync_playwright

    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--minutes", type=float, default=10)
    options.add_argument("--chambers", type=int, default=8)
    options.add_argument("--rate", type=float, default=100)
    options.add_argument("--open", action="store_true", help="with one session open in a second tab")
    given = options.parse_args()
    seconds = given.minutes * 60
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        one = Screens(Path(data))
        told = context.Queue()
        writer = context.Process(target=write, args=(data, given.chambers, given.rate, seconds + 15, told), daemon=True)
        writer.start()
        zero_ms = told.get()
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1366, "height": 768})
        page.goto(one.address)
        page.wait_for_selector(f".card[data-key='lab/{chr(64 + given.chambers)}'][data-state=running]")
        if given.open:
            other = chromium.new_page()
            other.goto(one.address + page.locator("a.button").first.get_attribute("href"))
            page.bring_to_front()
        time.sleep(5)
        server = psutil.Process(one.process.pid)
        heap = "performance.memory.usedJSHeapSize"
        page.evaluate(WATCH)
        before, began, rss = server.cpu_times(), time.monotonic(), [server.memory_info().rss]
        heaps, seen = [page.evaluate(heap)], []
        while time.monotonic() - began < seconds:
            time.sleep(min(10.0, seconds))
            seen += page.evaluate("window.seen.splice(0)")
            rss.append(server.memory_info().rss)
        after, took = server.cpu_times(), time.monotonic() - began
        heaps.append(page.evaluate(heap))
        found = latencies_ms(seen, zero_ms, given.rate)
        chromium.close()
        one.kill()
        writer.terminate()
    cpu = (after.user + after.system - before.user - before.system) / took
    result = {
        "seconds": round(took),
        "chambers": given.chambers,
        "events_per_s": given.rate,
        "n_events": len(found),
        "p50_ms": round(found[len(found) // 2], 1),
        "p99_ms": round(found[int(len(found) * 0.99)], 1),
        "max_ms": round(found[-1], 1),
        "server_cpu_percent": round(100 * cpu, 1),
        "server_mb": [round(rss[0] / 1e6, 1), round(rss[-1] / 1e6, 1)],
        "page_heap_mb": [round(value / 1e6, 1) for value in heaps],
        "paints_per_s": round(len(seen) / took / given.chambers, 1),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
