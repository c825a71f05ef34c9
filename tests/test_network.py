import socket

import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 443), ("example.org", 443)])
def test_a_test_cannot_reach_the_network(address: tuple[str, int]) -> None:
    with socket.socket() as far, pytest.raises(pytest.fail.Exception, match="network"):
        far.connect(address)
    with pytest.raises(pytest.fail.Exception, match="network"):
        socket.create_connection(address)


def test_a_test_can_reach_its_own_machine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
