"""A web site on this machine, whose every answer a test writes itself."""

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

Answer = Callable[[BaseHTTPRequestHandler], None]
_HUNG_UP: Final = (BrokenPipeError, ConnectionResetError)


class Site:
    """What the site answers, by path without its leading slash, and what it was asked."""

    def __init__(self, url: str, answers: Mapping[str, Answer]) -> None:
        self.url = url
        self.answers = dict(answers)
        self.asked: list[tuple[str, dict[str, str]]] = []

    def count(self, path: str) -> int:
        return sum(asked == path for asked, _ in self.asked)


@contextmanager
def serving(answers: Mapping[str, Answer], tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.removeprefix("/")
            site.asked.append((path, {name.lower(): text for name, text in self.headers.items()}))
            try:
                site.answers.get(path, status(404))(self)
            except _HUNG_UP:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = False  # so that closing waits for what is under way

    with Server(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        scheme = "http" if tls is None else "https"
        site = Site(f"{scheme}://127.0.0.1:{server.server_port}", answers)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()


def page(content: bytes, code: int = 200, **headers: str) -> Answer:
    """Answer with a whole page; a header's name is written with underscores."""
    sent = {"Content-Length": str(len(content)), "Content-Type": "text/html; charset=utf-8"}
    sent |= {name.replace("_", "-"): text for name, text in headers.items()}

    def answer(asked: BaseHTTPRequestHandler) -> None:
        asked.send_response(code)
        for name, text in sent.items():
            asked.send_header(name, text)
        asked.end_headers()
        asked.wfile.write(content)

    return answer


def status(code: int) -> Answer:
    return page(b"", code)


def redirect(to: str) -> Answer:
    return page(b"", 302, Location=to)


def in_turn(*answers: Answer) -> Answer:
    """Give each answer once, and the last for ever."""
    left = list(answers)

    def answer(asked: BaseHTTPRequestHandler) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(asked)

    return answer
