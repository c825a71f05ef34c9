"""What holds for every test: no network but the machine itself, and how hard Hypothesis tries."""

import ipaddress
import os
import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "default",
    deadline=None,  # a loaded machine is no failure
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "default")


def _is_this_machine(host: object) -> bool:
    if host in {None, "", "localhost", b"localhost"}:
        return True
    try:
        return ipaddress.ip_address(
            host.decode() if isinstance(host, bytes) else str(host)
        ).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    connect, connect_ex, getaddrinfo = (
        socket.socket.connect,
        socket.socket.connect_ex,
        socket.getaddrinfo,
    )

    def refuse_far(address: object) -> None:
        if isinstance(address, tuple) and not _is_this_machine(address[0]):
            pytest.fail(f"a test reaches for the network: {address}")

    def near_connect(self: socket.socket, address: object) -> None:
        refuse_far(address)
        connect(self, address)  # type: ignore[arg-type]

    def near_connect_ex(self: socket.socket, address: object) -> int:
        refuse_far(address)
        return connect_ex(self, address)  # type: ignore[arg-type]

    def near_getaddrinfo(host: object, *args: object, **options: object) -> object:
        refuse_far((host,))
        return getaddrinfo(host, *args, **options)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", near_connect)
        patch.setattr(socket.socket, "connect_ex", near_connect_ex)
        patch.setattr(socket, "getaddrinfo", near_getaddrinfo)
        yield
