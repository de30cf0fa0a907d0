"""The servers under test, a space of its own for each test, events published to it, and an endpoint for webhooks."""

import json
import os
import socket
import threading
import time
import unittest
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from contentful_management import Client

DEADLINE_SECONDS = 20
PAUSE_SECONDS = 0.02


def required(name):
    value = os.environ.get(name)
    if not value:
        raise unittest.SkipTest(f"{name} is not set: see README.md")
    return value


def send(server, method, path, body, token=None, headers=None):
    """Sends a JSON body without the client library and returns the answer's."""
    sent = {"Authorization": f"Bearer {token or required('BELLWIRE_ADMIN_TOKEN')}", **(headers or {})}
    request = urllib.request.Request(server + path, json.dumps(body).encode(), sent, method=method)
    with urllib.request.urlopen(request, timeout=DEADLINE_SECONDS) as response:
        return json.load(response)


class Space:
    """A space with an id that no other has, a token that manages it, and a client that shows the token."""

    def __init__(self, server):
        self.server = server
        self.id = f"python-{uuid.uuid4()}"
        send(server, "PUT", f"/spaces/{self.id}", {"name": "Python"})
        self.token = self.make_token("manage")
        self.client = self.open(self.token)

    def make_token(self, role):
        return send(self.server, "POST", f"/spaces/{self.id}/tokens", {"role": role})["token"]

    def open(self, token, **options):
        """A client as its documentation makes one, but for the host."""
        return Client(token, api_url=urlsplit(self.server).netloc, https=False, **options)

    def publish(self, topic, payload):
        headers = {"X-Contentful-Topic": topic}
        return send(self.server, "POST", f"/spaces/{self.id}/events", payload, self.token, headers)


def eventually(look):
    """The first true value of `look()`, which is asked again and again until the deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {DEADLINE_SECONDS} s in vain")
        time.sleep(PAUSE_SECONDS)


class Receiver:
    """An endpoint on a free port: `/broken` is answered with 404, everything else with 200."""

    def __init__(self):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(404 if self.path == "/broken" else 200)
                self.send_header("Content-Length", "8")
                self.end_headers()
                self.wfile.write(b"received")

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def unused_url():
    """The address of an endpoint that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/"
