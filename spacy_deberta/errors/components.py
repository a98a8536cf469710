"""Messages of components that run a checkpoint with a head, and of their data: E6xx."""


class ComponentErrors:
    """Messages of exceptions, by their codes."""

    E601 = (
        "The component shares the encoder of another one, which it has not got: 'shared_encoder' "
        "has to be the name of a component that stands before it in the pipeline, with the factory "
        "'deberta' or one of 'deberta_…', not the stock 'transformer'."
    )
    E602 = (
        "'{source}' has no head for {head} that could be used as it is; it has: {found}. Give a "
        "checkpoint that was fine-tuned for this, or training data (`nlp.initialize(get_examples)` "
        "or `spacy train`), from which a new head gets its labels."
    )
    E603 = (
        "The head of '{source}' does not know the labels {unknown}; it knows: {known}. Rename the "
        "labels of the data, or set 'new_head = true' in [initialize.components.NAME] to train a "
        "new head on them."
    )
    E604 = (
        "The shared encoder does not fit this head: {reason}. Leave out 'shared_encoder', or give "
        "a checkpoint with the same encoder."
    )
    E605 = (
        "The component '{component}' needs a model with the head '{expected}', but its config has "
        "'{found}'. Set 'head' in [components.{component}.model] to '{expected}'."
    )
    E606 = (
        "Labels can't be added to the trained head of '{component}'. Give all of them when it is "
        "initialized: in the training data, or as 'labels' in [initialize.components.{component}]."
    )
    E607 = (
        "'doc._.{name}' asks a component of the pipeline that made the document, but that has no "
        "such component ('{component}'). Add it with `nlp.add_pipe`, and make the document with "
        "that `nlp`."
    )
    E608 = (
        "The pipeline has several components for 'doc._.{name}': {components}. Name one of them: "
        'component="…".'
    )
    E610 = (
        "The component '{component}' expects exactly one label of each text, but one has {count}: "
        "{cats}. Correct the data, or set 'problem_type' to \"multi_label_classification\" or "
        '"regression" in [components.{component}].'
    )
