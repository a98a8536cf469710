"""Messages of pretraining (`spacy_deberta.pretraining`): E7xx."""


class PretrainingErrors:
    """Messages of exceptions, by their codes."""

    E720 = (
        "Pieces can't be masked with these settings: {masking}. 'probability' must be above 0 and "
        "below 1, 'masked' and 'replaced' at least 0 and together at most 1, and 'max_ngram' at "
        "least 1."
    )
    E721 = (
        "The setting '{name}' of the pretraining can't be {value!r}: it has to be {wanted}. Change "
        "it in the config."
    )
    E722 = (
        "An update has {sequences} sequences, which is too few for {processes} processes. Start "
        "fewer of them, raise 'batch_pieces', or give a larger corpus."
    )
    E723 = (
        "The checkpoint '{path}' can't be written: {error}. {kept}. Make room on the disk, and go "
        "on from there with --resume."
    )
    E724 = (
        "The checkpoint '{path}' can't be resumed from: {error}. Remove its folder to resume from "
        "the one before it, or start over in another output folder."
    )
    E725 = (
        "The loss of update {step} is no number. {kept}. Lower 'learn_rate', raise 'warmup_steps', "
        "or compute with 'precision = \"fp32\"', and go on with --resume."
    )
    E726 = (
        "There is nothing to begin with. Set 'vocabulary' in [model] to an spm.model (`spacy "
        "deberta train-tokenizer` makes one) for a model from random weights, or 'name' to a "
        "checkpoint to go on from."
    )
    E727 = (
        "The checkpoint '{name}' has a vocabulary of its own, so '{vocabulary}' can't be used with "
        "it. Leave out 'vocabulary' to go on from the checkpoint, or 'name' to begin with random "
        "weights."
    )
