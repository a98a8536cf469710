"""Messages of the service (`spacy_deberta.service`): E84x and E85x."""


class ServiceErrors:
    """Messages of exceptions and of the service's answers, by their codes."""

    E841 = (
        "The service needs FastAPI and uvicorn, which are not installed: {error}. Install them "
        "with `pip install 'spacy-deberta[serve]'`."
    )
    E842 = (
        "The service can't listen on {host}, port {port}: {error}. Give another '--port', with 0 "
        "for any free one, or another '--host'."
    )
    E843 = (
        "The body has more than {limit:,} bytes. Send fewer texts at once, or shorter ones; "
        "`--max-text-length` of the service raises the limit."
    )
    E844 = (
        "Text {number} has {length:,} characters, and the service takes at most {limit:,}. Split "
        "it, or start the service with a higher `--max-text-length`."
    )
    E845 = (
        "The request has {count:,} texts, and the service takes at most {limit:,} at once. Send "
        "several requests, or start the service with a higher `--max-texts`."
    )
    E846 = "The request can't be used: {problems}. Its schema is in /openapi.json."
    E847 = "The body is no JSON in UTF-8. Encode the text as UTF-8, and the body as JSON."
    E848 = (
        "{waiting:,} texts are waiting already. Send the request again in a second, and fewer at a "
        "time; a higher `--max-queue` lets more texts wait."
    )
    E849 = (
        "There was no answer within {timeout:g} seconds. Send fewer or shorter texts at once, or "
        "start the service with a longer `--timeout`."
    )
    E850 = "The pipeline fails on text {number}: {error}."
    E851 = (
        "The pipeline takes no labels: it has neither 'deberta_gliner' nor 'deberta_zero_shot'. "
        "Leave out 'labels'."
    )
    E852 = "The pipeline has no DeBERTa, so there are no pieces. Leave out 'pieces'."
    E853 = "The service is stopping. Send the request to another one, or again after its start."
    E854 = (
        "The pipeline failed on its first text, so the service annotates nothing: {error}. Try "
        "`spacy.load` and the pipeline in Python, where the whole traceback is shown."
    )
    E855 = (
        "The service does not answer requests for the host '{host}'. Use its own address, or start "
        "it with `--allow-host` and this name."
    )
