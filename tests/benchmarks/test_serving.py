from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import srsly

from benchmarks import serving
from tests.conftest import SENTENCES


@pytest.fixture
def service():
    """A service that keeps the texts that it gets."""

    texts = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            texts.append(srsly.json_loads(body)["text"])
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address, texts
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("clients", [1, 4])
def test_every_sentence_is_sent_once(service, clients):
    address, texts = service
    assert serving.measure_turn(address, SENTENCES, clients=clients) > 0
    assert sorted(texts) == sorted(SENTENCES)


def test_sentences_of_conllu(tmp_path):
    path = tmp_path / "some.conllu"
    path.write_text("# newdoc\n# text = One .\n1\tOne\n\n# text = Two.\n", encoding="utf-8")
    assert serving.read_sentences(path, 5) == ["One .", "Two."]
    assert serving.read_sentences(path, 1) == ["One ."]
