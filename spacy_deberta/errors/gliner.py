"""Messages of GLiNER models, from their files to the component: E36x and E37x."""


class GlinerErrors:
    """Messages of exceptions, by their codes."""

    E360 = (
        "{name} has no gliner_config.json, so it is no GLiNER. Give the folder or the name of a "
        "GLiNER, such as 'urchade/gliner_medium-v2.1'. Checkpoints that were fine-tuned for fixed "
        "labels are for 'deberta_token_classifier'."
    )
    E361 = (
        "The gliner_config.json of '{name}' is invalid: {error}. Copy it again from the source of "
        "the checkpoint."
    )
    E362 = (
        "'{name}' is {kind}, which can't be used here. Use a GLiNER with one encoder for labels "
        "and text, such as 'urchade/gliner_medium-v2.1', or the package gliner."
    )
    E363 = (
        "'{name}' was made of the encoder '{encoder}', whose vocabulary and config it needs, and "
        "which can't be found: {error} Give the folder of this encoder, or its name on the hub, "
        "as 'base'."
    )
    E364 = (
        "The weights of '{name}' lack a part of a GLiNER: {missing}. The file is incomplete, or "
        "'span_mode' in gliner_config.json is not that of the weights. Download both again."
    )
    E365 = (
        "The markers of '{name}' have the ids {ent} and {sep}, but its encoder has only {rows} "
        "embeddings. Its vocabulary is that of another model: give the folder of the right "
        "one as 'base', or correct 'class_token_index' in gliner_config.json."
    )
    E366 = (
        "The description of the label {label!r} has no text. It is what the model reads for the "
        "label: give it a text, such as 'name of a person', or remove it from 'descriptions'."
    )
    E367 = (
        "The component '{component}' reads {words} words at once, but its model finds spans of up "
        "to {width} words, and those at the end of a window would be lost. Set 'max_words' to at "
        "least {least}."
    )
    E368 = (
        "'{name}' has values for labels that are not in 'labels': {labels}. Correct their "
        "spelling, add them to 'labels', or remove them from '{name}'."
    )
    E370 = (
        "The config of '{name}' gives the marker {marker} the id {given} ('class_token_index'), "
        "its vocabulary the id {found}. Copy gliner_config.json and the vocabulary from one source."
    )
    E371 = (
        "The component '{component}' has no 'rehearse': there are no labels of an earlier training "
        "to remember. Add examples of what it must not forget to the training data, and their "
        "labels; or leave it out of 'nlp.rehearse' with nlp.select_pipes."
    )
    E372 = (
        "The sizes of a new GLiNER are wrong: {error}. [initialize.components] takes these for it: "
        "{known}."
    )
    E373 = (
        "The component '{component}' has no checkpoint, and the data has no entities to train a "
        "new GLiNER on. Name one in its [model], such as 'urchade/gliner_medium-v2.1', or "
        "initialize it with annotated data."
    )
    E374 = "The section 'training' of a GLiNER is wrong: {error}"
    E375 = (
        "The component '{component}' can't be trained in fp16, in which small gradients of its "
        'head vanish. Set precision = "bf16" or "fp32" in the section \'model\' of the component.'
    )
