"""The cases that run.py measures, each in a process of its own."""

import json
import resource
import sys
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.configuration import Setup

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
    """Answers /<source> with that source's page, after a while."""

    slow = 0.0

    def do_GET(self) -> None:
        """Send the page."""
        time.sleep(self.slow)
        source, _, document = self.path.strip("/").partition("/")
        content = answered(source) if not document else b"\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """A server that takes all sources' questions at once."""

    request_queue_size = 128


def serving(slow: float = 0) -> str:
    """Serve every source's page on loopback, each after so many seconds; give the address."""
    Handler.slow = slow
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def setup(folder: str, mirror: str | None = None) -> "Setup":
    """Give the setup of a data folder, in which our small pages pass as whole ones."""
    from pipeline.configuration import Setup
    from pipeline.settings import Settings
    from sources._contract import every_source

    settings = Settings.model_validate({"data_dir": folder, "mirror": mirror})
    sources = {
        name: replace(source, quote_count=(0, 100_000), term_count=(0, 100_000))
        for name, source in every_source().items()
    }
    return Setup(settings, sources)


def refresh(folder: str) -> float:
    """Refresh a data folder from loopback, imports included."""
    address = serving()
    # pandera imports this test package where it finds it; who runs ratecard has none
    sys.modules["hypothesis"] = None  # type: ignore[assignment]
    begun = time.perf_counter()
    from pipeline.refresh import refresh as run

    whole = setup(folder, address)
    done = run(whole, whole.asked)
    took = time.perf_counter() - begun
    assert done.is_published
    return took


def refresh_memory(folder: str) -> float:
    """Refresh a data folder from loopback; megabytes at the peak."""
    refresh(folder)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def asset_count() -> float:
    """Count the assets of a refresh: the sources, the tables, and what stands around them."""
    from sources._contract import every_source
    from warehouse.store import TABLES

    return len(every_source()) + len(TABLES) + 2


def fetch_all(folder: str) -> float:
    """Fetch every source, each 200 ms slow, side by side."""
    whole = setup(folder, serving(slow=0.2))
    from pipeline.looking import Looker

    looker = Looker(whole, whole.asked, {})
    begun = time.perf_counter()
    looker.look_at_all()
    took = time.perf_counter() - begun
    failed = [look.error for name in whole.asked if (look := looker.look(name)[0]).error]
    assert not failed, failed
    return took


def fetch_slowest(folder: str) -> float:
    """Fetch each source by itself, 200 ms slow; the slowest of them."""
    whole = setup(folder, serving(slow=0.2))
    from pipeline.looking import Looker

    took = []
    for name in whole.asked:
        if whole.sources[name].bundled is None:
            looker = Looker(whole, [name], {})
            begun = time.perf_counter()
            looker.look_at_all()
            took.append(time.perf_counter() - begun)
            looker.close()
    return max(took)


def read_captures(pages: str) -> float:
    """Read a whole folder of captures into validated frames, imports aside."""
    from pipeline.looking import find_captures
    from sources._contract import DOCUMENT_END, SourceError, every_source

    sources = every_source()
    found = find_captures(Path(pages), sources)
    begun = time.perf_counter()
    for name, _, files in found.captures:
        try:
            sources[name].read(DOCUMENT_END.join(file.read_bytes() for file in files))
        except SourceError:
            # refused is an answer, too, and takes its time
            continue
    return time.perf_counter() - begun


def empty_graph(count: str) -> float:
    """Materialise so many assets that do nothing, imports included."""
    begun = time.perf_counter()
    import dagster as dg

    def empty(number: int) -> dg.AssetsDefinition:
        @dg.asset(name=f"empty_{number}")
        def nothing() -> None:
            return None

        return nothing

    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([empty(n) for n in range(int(count))], instance=instance, run_config=quiet)
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
    print(json.dumps({"measured": globals()[name](*arguments)}))
