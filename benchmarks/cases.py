"""The cases that run.py measures, each in a process of its own."""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FIXTURES = Path(__file__).parents[1] / "tests" / "fixtures"
# The 1 MB that pages of the web weigh, made of our own small one.
_LARGE = 1_000_000


def answered(source: str) -> bytes:
    """Give the newest page of our own for a source, as a server would send it."""
    pages = [
        p
        for p in (FIXTURES / source).iterdir()
        if not p.name.endswith((".quotes.csv", ".terms.csv"))
    ]
    return max(pages).read_bytes()


class Handler(BaseHTTPRequestHandler):
    """Answers /<source> with that source's page."""

    def do_GET(self) -> None:
        """Send the page."""
        content = answered(self.path.strip("/"))
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def refresh(folder: str) -> float:
    """Refresh a data folder from loopback, imports included."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # pandera imports this test package where it finds it; who runs ratecard has none
    sys.modules["hypothesis"] = None  # type: ignore[assignment]
    begun = time.perf_counter()
    from pipeline.refresh import refresh as run
    from pipeline.settings import Settings
    from sources._contract import every_source

    address = f"http://127.0.0.1:{server.server_port}"
    done = run(Settings(data_dir=Path(folder), mirror=address), list(every_source()))
    took = time.perf_counter() - begun
    assert done.is_published
    return took


def empty_graph(_: str) -> float:
    """Materialise as many assets that do nothing, imports included."""
    begun = time.perf_counter()
    import dagster as dg

    def empty(number: int) -> dg.AssetsDefinition:
        @dg.asset(name=f"empty_{number}")
        def nothing() -> None:
            return None

        return nothing

    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([empty(n) for n in range(20)], instance=instance, run_config=quiet)
    return time.perf_counter() - begun


def page_of(source: str, pages: str | None) -> bytes:
    """Give a page of a source: the newest in a folder of captures, or our own, padded to 1 MB."""
    if pages:
        return max((Path(pages) / source).glob("*.html")).read_bytes()
    page = answered(source)
    return page.replace(b"</body>", b"<p>filler</p>" * (_LARGE // 13) + b"</body>")


def parse_page(source: str, pages: str | None = None) -> float:
    """Read a page into quotes; the median of 20, after one."""
    from sources._contract import every_source

    page = page_of(source, pages)
    return median(lambda: every_source()[source].parse(page))


def read_page(source: str, pages: str | None = None) -> float:
    """Read a page into validated frames; the median of 20, after one."""
    from sources._contract import every_source

    page = page_of(source, pages)
    return median(lambda: every_source()[source].read(page))


def walk_page(source: str, pages: str | None = None) -> float:
    """Parse the same page and take the text of each table cell; the median of 20, after one."""
    from selectolax.lexbor import LexborHTMLParser

    page = page_of(source, pages)

    def walk() -> None:
        for cell in LexborHTMLParser(page.decode()).css("table tr td, table tr th"):
            cell.text()

    return median(walk)


def median(verb: object) -> float:
    """Run a verb 21 times and give the median of all but the first."""
    took = []
    for _ in range(21):
        begun = time.perf_counter()
        verb()  # type: ignore[operator]
        took.append(time.perf_counter() - begun)
    return sorted(took[1:])[10]


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    print(json.dumps({"seconds": globals()[name](*arguments)}))
