"""`spacy deberta serve`: what it refuses, what it says, and how it stops."""

import os
import signal
import socket
import subprocess
import sys
import threading

import httpx
import pytest
import spacy
from spacy.util import import_file

from spacy_deberta.service import is_loopback, open_socket

SLOW = """
import time
from spacy.language import Language

@Language.component("slow")
def slow(doc):
    time.sleep(1.5 if "slow" in doc.text else 0)
    return doc
"""


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served") / "pipeline"
    spacy.blank("en").to_disk(folder)
    return folder


def test_without_fastapi(fails, pipeline, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("spacy_deberta.service")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("spacy_deberta.service", raising=False)
    monkeypatch.setitem(sys.modules, "fastapi", None)
    message = fails("deberta", "serve", pipeline)
    assert "E841" in message
    assert "pip install 'spacy-deberta[serve]'" in message


def test_a_port_in_use_and_other_addresses(fails, pipeline):
    with socket.create_server(("127.0.0.1", 0)) as other:
        message = fails("deberta", "serve", pipeline, "--port", other.getsockname()[1])
    assert "E842" in message
    assert "in use" in message
    assert "E842" in fails("deberta", "serve", pipeline, "--host", "192.0.2.1")
    assert "E842" in fails("deberta", "serve", pipeline, "--host", "nowhere.invalid")
    # Whether or not the pipeline can be loaded: the port comes first.
    assert "E506" in fails("deberta", "serve", pipeline / "missing", "--port", 0)
    assert "E413" in fails("deberta", "serve", pipeline, "--max-batch", 0)


@pytest.mark.parametrize(
    ("host", "warns"), [("127.0.0.1", False), ("localhost", False), ("0.0.0.0", True)]
)
def test_only_this_machine_unless_asked(spacy_cli, pipeline, monkeypatch, host, warns):
    served = []
    monkeypatch.setattr(
        "spacy_deberta.service.run_server", lambda app, opened, timeout: served.append(app)
    )
    result = spacy_cli("deberta", "serve", pipeline, "--host", host, "--port", 0)
    assert result.exit_code == 0, result.output
    assert len(served) == 1
    assert ("W841" in result.stderr) == warns
    assert result.stdout.startswith(f"http://{host}:")


def test_loopback_addresses():
    local = ("127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost")
    assert all(map(is_loopback, local))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.0.2.1", "example.org", "")))


def test_a_reserved_port_does_not_listen_yet():
    with open_socket("127.0.0.1", 0) as opened, pytest.raises(ConnectionRefusedError):
        socket.create_connection(opened.getsockname(), timeout=5)


@pytest.mark.slow
def test_a_signal_answers_what_has_arrived(tmp_path):
    (tmp_path / "slow.py").write_text(SLOW, encoding="utf-8")
    nlp = spacy.blank("en")
    import_file("slow", tmp_path / "slow.py")
    nlp.add_pipe("slow")
    nlp.to_disk(tmp_path / "pipeline")
    command = ["-m", "spacy", "deberta", "serve", tmp_path / "pipeline", "--port", "0"]
    process = subprocess.Popen(
        [sys.executable, *command, "--code", tmp_path / "slow.py", "--max-batch", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    answers = []
    with process:
        client = httpx.Client(
            base_url=process.stdout.readline().strip(), timeout=30, trust_env=False
        )
        while not ready(client):
            assert process.poll() is None, process.stderr.read()

        def ask(text):
            answers.append(client.post("/annotate", json={"text": text}).status_code)

        threads = [threading.Thread(target=ask, args=(f"slow {i}",)) for i in range(2)]
        for thread in threads:
            thread.start()
        while client.get("/health").json()["waiting"] < 1:
            pass
        process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join(30)
        assert process.wait(30) == 0
        assert "Traceback" not in process.stderr.read()
    assert answers == [200, 200]


def ready(client):
    try:
        return client.get("/health").status_code == 200
    except httpx.ConnectError:
        return False
