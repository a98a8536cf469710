"""What the service refuses, and what it says then."""

import asyncio
import gc
import json
import socket
import threading

import httpx
import pytest

from spacy_deberta.service import ServiceSettings
from tests.service.conftest import (
    BAD_WORD,
    SLOW_WORD,
    code_of,
    serving,
    wait_until,
    waiting,
)

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def client(blank):
    with serving(
        blank, max_text_length=100, max_texts=4, max_queue=6, max_batch=2, timeout=15
    ) as client:
        yield client


def post(client, **body):
    return client.post("/annotate", json=body)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({}, "either 'text' or 'texts'"),
        ({"text": "a", "texts": ["b"]}, "either 'text' or 'texts'"),
        ({"text": 5}, "'text': Input should be a valid string"),
        ({"text": ["a"]}, "'text'"),
        ({"texts": "a"}, "'texts': Input should be a valid list"),
        ({"texts": ["a", None]}, "'texts.1'"),
        ({"text": "a", "labels": []}, "'labels'"),
        ({"text": "a", "labels": [" "]}, "a label is empty"),
        ({"text": "a", "labels": ["x", "x"]}, "a label is there twice"),
        ({"text": "a", "labels": [str(i) for i in range(101)]}, "'labels'"),
        ({"text": "a", "pieces": "yes"}, "'pieces'"),
        ({"text": "a", "txet": "b"}, "'txet'"),
        ({"text": "a \ud800 surrogate"}, "'text'"),
        ({"text": "a", "\ud800": 1}, "valid string"),
        (["a"], "a valid dictionary"),
        ("a", "a valid dictionary"),
        (None, "a valid dictionary"),
    ],
)
def test_wrong_requests(client, body, problem):
    response = client.post("/annotate", content=json.dumps(body), headers=JSON)
    assert (response.status_code, code_of(response)) == (422, "E846")
    assert problem in response.json()["error"]["message"]


@pytest.mark.parametrize(
    "content",
    [b"{", b"not json", b'{"text": "\xff\xfe"}', b"[" * 200_000, b'{"text": "a"', b"\x00"],
)
def test_what_is_no_json(client, content):
    response = client.post("/annotate", content=content, headers=JSON)
    assert (response.status_code, code_of(response)) == (400, "E847")


def test_too_long_and_too_many(client):
    assert post(client, text="x" * 100).status_code == 200
    assert post(client, text="\U0001f408" * 100).status_code == 200
    response = post(client, texts=["x", "x" * 101])
    assert (response.status_code, code_of(response)) == (413, "E844")
    assert "Text 1 has 101 characters" in response.text
    response = post(client, texts=["x"] * 5)
    assert (response.status_code, code_of(response)) == (413, "E845")


def test_large_bodies_are_not_read(client):
    content = b'{"text": "' + b"x" * 3_000_000 + b'"}'
    response = client.post("/annotate", content=content, headers=JSON)
    assert (response.status_code, code_of(response)) == (413, "E843")
    # Without an announced size.
    parts = (content[i : i + 65536] for i in range(0, len(content), 65536))
    response = client.post("/annotate", content=parts, headers=JSON)
    assert (response.status_code, code_of(response)) == (413, "E843")
    assert post(client, text="Still here.").status_code == 200


def test_a_full_queue_and_what_becomes_of_it(client, closed_gate):
    async def ask():
        async with httpx.AsyncClient(base_url=client.base_url, timeout=30, trust_env=False) as many:
            body = {"texts": [f"{SLOW_WORD} {i}" for i in range(2)]}
            sent = []
            # None is annotated yet, so the first answer is a refusal.
            while not any(request.done() for request in sent):
                sent.append(asyncio.create_task(many.post("/annotate", json=body)))
                await asyncio.sleep(0.05)
            closed_gate.set()
            return await asyncio.gather(*sent)

    responses = asyncio.run(ask())
    # More than one is refused where the service is slower to answer than the next is sent.
    refused = [response for response in responses if response.status_code == 503]
    assert refused
    for response in refused:
        assert code_of(response) == "E848"
        assert int(response.headers["Retry-After"]) >= 1
    answered = [response for response in responses if response not in refused]
    assert len(answered) >= 3
    assert {response.status_code for response in answered} == {200}


def test_a_timeout_drops_what_has_not_begun(blank, closed_gate, caplog):
    with serving(blank, timeout=0.3, max_batch=1) as client:
        response = post(client, texts=[SLOW_WORD, "Not begun."])
        assert (response.status_code, code_of(response)) == (504, "E849")
        closed_gate.set()
        assert post(client, text="Next.").status_code == 200
    gc.collect()
    assert not [record for record in caplog.records if record.name == "asyncio"]


def test_a_client_that_leaves_is_forgotten(client, closed_gate):
    busy = threading.Thread(target=post, args=(client,), kwargs={"text": SLOW_WORD})
    busy.start()
    assert waiting.wait(20)
    url = client.base_url
    with socket.create_connection((url.host, url.port)) as connection:
        body = json.dumps({"texts": ["Nobody", "reads", "this."]}).encode()
        connection.sendall(
            b"POST /annotate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        wait_until(lambda: client.get("/health").json()["waiting"] >= 3)
    wait_until(lambda: client.get("/health").json()["waiting"] == 0)
    closed_gate.set()
    busy.join()


def test_foreign_hosts(blank):
    with serving(blank, hosts=["localhost", "127.0.0.1", "::1"]) as client:
        assert client.get("/", headers={"Host": "localhost:1234"}).status_code == 200
        assert client.get("/health", headers={"Host": "[::1]:80"}).status_code == 200
        for host in ("evil.example", "localhost.evil.example", "[", ""):
            response = client.get("/", headers={"Host": host})
            assert response.status_code == 400
            assert host == "" or code_of(response) == "E855"


def test_bodies_of_other_types_are_refused(client):
    # A page of another site can send this without asking the service first.
    content = json.dumps({"text": "a"})
    response = client.post("/annotate", content=content, headers={"Content-Type": "text/plain"})
    assert (response.status_code, code_of(response)) == (422, "E846")
    assert "application/json" in response.text


def test_other_paths_and_methods(client):
    assert client.get("/annotate").status_code == 405
    assert client.get("/nowhere").json()["error"]["message"] == "Not Found"
    for path in ("/docs", "/redoc", "/static/../app.py", "/static/%2e%2e/page.html"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/", "/health", "/pipeline"])
def test_the_method_head(path, client):
    answer = client.head(path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == client.get(path).headers["content-type"]


def test_errors_do_not_stop_the_service(client):
    for _ in range(3):
        assert post(client, text=BAD_WORD).status_code == 500
    assert post(client, text="Fine.").status_code == 200
    assert client.get("/health").json()["status"] == "ready"


@pytest.mark.parametrize(
    "settings",
    [
        {"max_text_length": 0},
        {"max_texts": 1.5},
        {"max_batch": True},
        {"max_queue": 10, "max_texts": 11},
        {"batch_wait": -1},
        {"batch_wait": float("nan")},
        {"timeout": 0},
        {"timeout": float("inf")},
        {"threads": -1},
    ],
)
def test_wrong_settings(settings):
    with pytest.raises(ValueError, match="E413"):
        ServiceSettings(**settings)
