"""Messages of pretraining (`spacy_deberta.pretraining`): E7xx."""


class PretrainingErrors:
    """Messages of exceptions, by their codes."""
