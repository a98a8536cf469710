"""Listens on a port, and stops without losing requests."""

import os
import signal
import socket
import threading
from ipaddress import ip_address
from types import FrameType

import uvicorn
from fastapi import FastAPI

from spacy_deberta.errors import Errors

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host.

    host (str): A name or an address.
    RETURNS (bool): Whether it is a loopback address or "localhost".
    """
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def open_socket(host: str, port: int) -> socket.socket:
    """Reserve a port, without accepting connections yet.

    host (str): A name or an address of this machine.
    port (int): The port; 0 for any free one.
    RETURNS (socket.socket): The socket.

    Raises:
        OSError: The port is in use, not allowed, or the host is not this machine (E842).
    """
    host = host.strip("[]")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # With the protocol, as only then asyncio sets TCP_NODELAY: answers without it take 40 ms.
        opened = socket.socket(family, kind, protocol)
        try:
            if os.name == "posix":  # on Windows, it would allow a second service on the port
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind(address)
        except BaseException:
            opened.close()
            raise
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OSError(Errors.E842.format(host=host, port=port, error=reason)) from error
    return opened


def run_server(app: FastAPI, opened: socket.socket, *, timeout: float) -> None:
    """Serve an app until SIGINT or SIGTERM; then answer what has arrived, and return.

    app (FastAPI): The app.
    opened (socket.socket): Where it listens.
    timeout (float): Maximum number of seconds for the last requests.
    """
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="on",
        # Requests have a timeout of their own, which answers them.
        timeout_graceful_shutdown=int(timeout) + 5,
    )
    server = uvicorn.Server(config)

    def stop(number: int, frame: FrameType | None) -> None:
        server.should_exit = True

    if threading.current_thread() is not threading.main_thread():
        server.run(sockets=[opened])
        return
    # uvicorn raises the signal again after it has stopped. Nothing is left to do then.
    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        server.run(sockets=[opened])
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
