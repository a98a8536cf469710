"""The span rules of conlleval, from the tables of the script."""

LETTERS = {"L": "E", "U": "S"}


def read_tag(label, *, prefixes):
    """Letter and type of a label; a label without prefix is inside of a span."""
    if label == "O":
        return "O", ""
    if not prefixes:
        return "I", label
    return LETTERS.get(label[0], label[0]), label[2:]


def read_spans(tags):
    """Start, end and type of the spans of tags such as `("B", "PER")`."""
    spans, start = [], None
    for i, ((last, last_type), (tag, type_)) in enumerate(
        zip([("O", ""), *tags], [*tags, ("O", "")], strict=True)
    ):
        ends = (
            last in ("E", "S")
            or (last in ("B", "I") and tag in ("B", "S", "O"))
            or (last != "O" and last_type != type_)
        )
        starts = (
            tag in ("B", "S")
            or (last in ("E", "S", "O") and tag in ("E", "I"))
            or (tag != "O" and last_type != type_)
        )
        if ends:
            spans.append((start, i, last_type))
        if starts:
            start = i
    return spans
