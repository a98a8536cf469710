"""`spacy deberta serve`: a trained pipeline as a service over HTTP, with a page."""

import os
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any

from spacy.cli._util import import_code

from spacy_deberta.errors import Warnings

from ._util import Arg, Opt, deberta_cli, make_printer, print_text, show_errors
from .text_splitters import load_pipeline

HOST_HELP = "Address to listen on; others than the default can be reached by other machines"
ALLOW_HOST_HELP = (
    "Name under which a proxy or other machines reach the service; may be given several times"
)
WAIT_HELP = "Milliseconds that a text waits for others, to be processed together"
QUEUE_HELP = "Texts that may wait for the pipeline; more are refused with status 503"
TIMEOUT_HELP = "Seconds after which a request is answered with status 504"


@deberta_cli.command("serve", short_help="Serve a trained pipeline over HTTP.")
def serve_cli(
    model: Annotated[str, Arg(help="Trained pipeline (package or folder)")],
    host: Annotated[str, Opt("--host", "-H", help=HOST_HELP)] = "127.0.0.1",
    port: Annotated[
        int, Opt("--port", "-p", min=0, max=65535, help="Port; 0 for any free one")
    ] = 8000,
    allow_host: Annotated[list[str] | None, Opt("--allow-host", help=ALLOW_HOST_HELP)] = None,
    code: Annotated[
        Path | None, Opt("--code", "-c", help="Python file with functions that the pipeline names")
    ] = None,
    use_gpu: Annotated[int, Opt("--gpu-id", "-g", help="GPU ID or -1 for CPU")] = -1,
    threads: Annotated[
        int, Opt("--threads", "-t", help="Threads of PyTorch; 0 for its default")
    ] = 0,
    max_text_length: Annotated[
        int, Opt("--max-text-length", help="Maximum number of characters of a text")
    ] = 100_000,
    max_texts: Annotated[
        int, Opt("--max-texts", help="Maximum number of texts of a request")
    ] = 256,
    max_batch: Annotated[
        int, Opt("--max-batch", help="Maximum number of texts that are processed together")
    ] = 32,
    batch_wait: Annotated[float, Opt("--batch-wait", help=WAIT_HELP)] = 2.0,
    max_queue: Annotated[int, Opt("--max-queue", help=QUEUE_HELP)] = 1024,
    timeout: Annotated[float, Opt("--timeout", help=TIMEOUT_HELP)] = 60.0,
) -> None:
    """Serve a trained pipeline over HTTP: POST /annotate takes texts, and the page
    at / shows their annotations. Requests at the same time are processed together.
    SIGTERM and Ctrl+C answer the requests that have arrived, then stop.

    DOCS: docs/api/cli.md#serve
    """
    import_code(code)
    limits = {
        "max_text_length": max_text_length,
        "max_texts": max_texts,
        "max_batch": max_batch,
        "batch_wait": batch_wait,
        "max_queue": max_queue,
        "timeout": timeout,
        "threads": threads,
    }
    with show_errors():
        serve(model, host=host, port=port, allow_host=allow_host, use_gpu=use_gpu, **limits)


def serve(
    model: str | os.PathLike[str],
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    allow_host: list[str] | None = None,
    use_gpu: int = -1,
    **limits: Any,
) -> None:
    """Serve a trained pipeline until SIGINT or SIGTERM.

    model (str | os.PathLike[str]): Its package, or its folder.
    host (str): Address to listen on.
    port (int): The port; 0 for any free one.
    allow_host (list[str] | None): Names that requests may use for the service, besides its own.
        On an address that other machines reach, any name is allowed if this is None.
    use_gpu (int): GPU ID, -1 for the CPU.
    limits (Any): Fields of `spacy_deberta.service.ServiceSettings`.
    """
    from spacy_deberta import service
    from spacy_deberta.layers import select_gpu

    settings = service.ServiceSettings(**limits)
    is_local = service.is_loopback(host)
    notes = make_printer(sys.stderr)
    if not is_local:
        with redirect_stdout(sys.stderr):
            notes.warn(Warnings.W841.format(host=host))
    # Before the pipeline is loaded, so that a port that is in use is noticed at once.
    with service.open_socket(host, port) as opened:
        if use_gpu >= 0:
            select_gpu(use_gpu)
        nlp = load_pipeline(model if isinstance(model, str) else Path(model))
        names = {host, *service.LOOPBACK_HOSTS, *(allow_host or ())}
        app = service.make_app(
            nlp, settings=settings, hosts=names if is_local or allow_host else None
        )
        with redirect_stdout(sys.stderr):
            notes.info("Stop it with Ctrl+C")
        address = f"[{host}]" if ":" in host else host
        print_text(f"http://{address}:{opened.getsockname()[1]}")
        sys.stdout.flush()
        service.run_server(app, opened, timeout=settings.timeout)
