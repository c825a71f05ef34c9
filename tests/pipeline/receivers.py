"""Receivers on this machine that take notices, or refuse, hang, hang up, or take and then die."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Literal

from aiosmtpd.smtp import SMTP, Envelope, Session

Mood = Literal["takes", "refuses", "hangs", "hangs_up", "takes_and_dies"]
MOODS: Final[tuple[Mood, ...]] = ("takes", "refuses", "hangs", "hangs_up", "takes_and_dies")


class Receiver:
    """What came in whole, as (headers, body), and how it treats what comes next."""

    def __init__(self) -> None:
        self.url = ""
        self.taken: list[tuple[dict[str, str], str]] = []
        self.tries = 0
        self.mood: Callable[[], Mood] = lambda: "takes"
        self.retry_after: str | None = None
        # what hangs is let go when the test ends
        self.released = threading.Event()


@contextmanager
def http_receiver() -> Iterator[Receiver]:
    """Receive what is posted anywhere; its `url` has no scheme."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            content = self.rfile.read(length)
            if len(content) < length:
                # who sent it died
                self.close_connection = True
                return
            body = content.decode()
            headers = {name.lower(): text for name, text in self.headers.items()}
            receiver.tries += 1
            mood = receiver.mood()
            if mood in {"takes", "takes_and_dies"}:
                receiver.taken.append((headers, body))
            if mood == "hangs":
                receiver.released.wait(10)
            if mood in {"hangs", "hangs_up", "takes_and_dies"}:
                with suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            with suppress(OSError):
                self.send_response(200 if mood == "takes" else 500)
                if receiver.retry_after:
                    self.send_header("Retry-After", receiver.retry_after)
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = False

    with Server(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield receiver
        finally:
            receiver.released.set()
            server.shutdown()
            thread.join()


@contextmanager
def smtp_receiver() -> Iterator[Receiver]:
    """Receive mail; its `url` has no scheme."""
    receiver = Receiver()

    class Handler:
        async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:  # noqa: N802
            receiver.tries += 1
            mood = receiver.mood()
            if mood in {"takes", "takes_and_dies"}:
                mail = message_from_bytes(envelope.content or b"", policy=policy.default)  # type: ignore[arg-type]
                texts: list[Any] = [
                    part.get_content()
                    for part in mail.walk()
                    if part.get_content_type() == "text/plain"
                ]
                receiver.taken.append((dict(mail.items()), "\n".join(texts)))
            if mood in {"hangs", "hangs_up", "takes_and_dies"}:
                assert server.transport is not None
                server.transport.abort()
            return "250 OK" if mood == "takes" else "451 not now"

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def serve() -> asyncio.Server:
        return await loop.create_server(
            lambda: SMTP(Handler(), hostname="localhost", loop=loop), "127.0.0.1", 0
        )

    async def end(server: asyncio.Server) -> None:
        server.close()
        others = asyncio.all_tasks(loop) - {asyncio.current_task(loop)}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    server = asyncio.run_coroutine_threadsafe(serve(), loop).result(5)
    try:
        receiver.url = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield receiver
    finally:
        asyncio.run_coroutine_threadsafe(end(server), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
