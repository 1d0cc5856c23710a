"""The server answers this machine at one port until it is interrupted."""

import _thread
import http.client
import socket
import threading
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from lrlc_nas.dashboard import serve
from lrlc_nas.errors import InputError


def request(address, method, path, **headers):
    split = urlsplit(address)
    with closing(http.client.HTTPConnection(split.hostname, split.port, timeout=30)) as connection:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Set-Cookie", ""), answer.read()


def serve_while(store, ask, **options):
    """Serve until `ask`, which gets the address in another thread, is done; then as Ctrl-C does."""
    found = []

    def asking(address):
        try:
            found.append(ask(address))
        finally:
            _thread.interrupt_main()

    serve(store, port=0, ready=lambda address: threading.Thread(target=asking, args=[address]).start(), **options)
    (result,) = found
    return result


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_served_over_a_socket_until_interrupted(store, host, capfd):
    def ask(address):
        path = address[address.index("/enter") :]
        status, cookie, _ = request(address, "GET", path)
        secret = cookie.partition(";")[0]
        return [
            status,
            request(address, "GET", "/")[0],
            request(address, "GET", "/", Cookie=secret)[0],
            request(address, "GET", "/api/studies", Cookie=secret)[0],
            request(address, "GET", "/", Cookie=secret, Host="evil.example")[0],
            request(address, "DELETE", "/api/studies/1", Cookie=secret)[0],
            request(address, "HEAD", "/studies/1", Cookie=secret),
        ]

    *statuses, head = serve_while(store, ask, host=host)
    assert statuses == [200, 401, 200, 200, 403, 405]
    assert head[0::2] == (200, b"")
    assert "Traceback" not in capfd.readouterr().err


def test_an_open_connection_does_not_keep_it_from_ending(store):
    kept = []

    def ask(address):
        split = urlsplit(address)
        kept.append(socket.create_connection((split.hostname, split.port)))

    serve_while(store, ask)
    for connection in kept:
        connection.close()


def test_every_start_has_its_own_secret(store):
    first, second = (serve_while(store, lambda address: urlsplit(address).query) for _ in range(2))
    assert first.startswith("token=")
    assert first != second


def test_a_port_in_use_is_named(store):
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"port {port} is in use"):
            serve(store, port=port)


def test_a_port_out_of_range_is_refused(store):
    with pytest.raises(InputError, match="port must be 0 to 65535; got 70000"):
        serve(store, port=70000)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "example.org"])
def test_another_address_is_refused(store, host):
    with pytest.raises(InputError, match=r"knows no passwords.* required is 127\.0\.0\.1, localhost or ::1"):
        serve(store, host=host)
