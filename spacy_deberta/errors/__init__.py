"""The catalogue of errors and warnings.

Every message has a code, names the cause and says the way out. Codes stay the same once released,
so that people can search for them. First digit: 1 encoder, 2 tokenization, 3 checkpoints,
4 spaCy models and layers, 5 command line, 6 components that run a checkpoint with a head,
7 pretraining. Each has a file.
"""

import warnings

from .catalogue import Coded, is_coded
from .checkpoints import CheckpointErrors
from .command_line import CommandLineErrors
from .components import ComponentErrors
from .encoder import EncoderErrors
from .layers import LayerErrors
from .pretraining import PretrainingErrors
from .tokenization import TokenizationErrors
from .values import (
    check_flag,
    check_list,
    check_number,
    check_string,
    check_strings,
    check_texts,
)

__all__ = [
    "Errors",
    "Warnings",
    "check_flag",
    "check_list",
    "check_number",
    "check_string",
    "check_strings",
    "check_texts",
    "is_coded",
    "warn",
]


class Errors(
    EncoderErrors,
    TokenizationErrors,
    CheckpointErrors,
    LayerErrors,
    CommandLineErrors,
    ComponentErrors,
    PretrainingErrors,
    metaclass=Coded,
):
    """Messages of exceptions, used as `raise ValueError(Errors.E101.format(...))`."""


class Warnings(metaclass=Coded):
    """Messages of warnings, used as `warn(Warnings.W201.format(...))`."""

    W202 = (
        "spm.model and tokenizer.json in '{path}' are not the same tokenizer: {differences}. The "
        "latter is used, since the checkpoint was trained with it: whoever trains with "
        'SentencePiece saves no tokenizer.json. With tokenizer = "sentencepiece" the former is '
        'used, with tokenizer = "tokenizers" this warning is not given.'
    )
    W301 = (
        "The checkpoint '{source}' has parameters that nobody knows, and which are left out: "
        "{keys}. If they matter, the checkpoint is for another model class."
    )
    W401 = (
        "{count} tokens of a batch are in none of the spans of 'get_spans', so their vectors are "
        "zero. Use a span getter that covers every token, such as "
        "'spacy-deberta.piece_windows.v1'."
    )
    W427 = (
        "{count} layers of the encoder are run by their own modules in prediction, because nothing "
        "says how these are prepared for it: {types}. The results are the same and take longer. "
        "Register a function with 'spacy_deberta.nn.inference.preparation.prepares', or merge "
        "adapters into the weights."
    )
    W440 = (
        "The learning rate can't follow the encoder: {why}. It is {rate}, that of a base-size "
        "checkpoint. Set 'initial_rate' in [training.optimizer.learn_rate], for an encoder from "
        "random weights to about 0.001, or 'encoder' to the checkpoint."
    )
    W601 = (
        "{count} spans of a batch do not sit on the borders of tokens and are left out, because "
        "'alignment_mode' of the component '{component}' is \"{mode}\". \"expand\" drops none."
    )
    W602 = (
        "{count} entities of a batch are left out, because surer ones have tokens in common with "
        "them, and 'doc.ents' can't overlap. With 'annotate = \"spans\"' the component "
        "'{component}' keeps all; with 'aggregation_strategy = \"first\"' there are none of them."
    )
    W603 = (
        "{count} pieces of a batch have labels of entities, and their tokens have none: the "
        "'aggregation_strategy' of the component '{component}', \"{strategy}\", loses entities "
        "within tokens, such as the address in 'mail:clara@example.org'. \"simple\" finds them, if "
        "the checkpoint was trained on all pieces and not only on the first of each word."
    )
    W610 = (
        "{count} of the {total} answers in '{path}' do not stand in the text where 'answer_start' "
        "says, and are left out; questions that have no other answer are left out, too. They "
        "belong to: {names}. Correct their 'answer_start', which counts characters from 0."
    )
    W611 = (
        "{count} of the {total} questions of a batch are not trained on, because no window of the "
        "component '{component}' holds all of their answer: {names}. Set 'overlap' higher than the "
        "longest answer, and 'max_length' higher than that with the question."
    )
    W620 = (
        "The head of '{source}' was trained on another encoder than that of the component "
        "'{owner}', which it is to share, so its scores mean little before it is trained further. "
        "Leave out 'shared_encoder', or give '{owner}' the same checkpoint."
    )
    W701 = (
        "There is nothing to evaluate on, so that the log has no scores on unseen text: of "
        "{documents} documents, a share of {held_out} is none. Give a corpus of its own in "
        "[corpora.dev], or raise 'held_out'."
    )
    W702 = (
        "The checkpoint '{path}' is damaged: {error}. The run goes on from '{good}', {lost} "
        "updates before it. What is damaged was put aside as '{aside}'; remove it if you don't "
        "need it."
    )
    W703 = (
        "Of the log '{path}', these lines are damaged and left out: {lines}. The log as it was is "
        "put aside as '{aside}'; remove it if you don't need it."
    )
    W704 = (
        "The file system of '{folder}' knows no locks, so that a second run in this folder would "
        "not be noticed. See to it that there is one only."
    )


def warn(message: str, *, stacklevel: int = 3) -> None:
    """Show a warning of the catalogue as raised by the caller's caller.

    Args:
        message: A formatted message of `Warnings`.
        stacklevel: As in `warnings.warn`, counted from this function.
    """
    warnings.warn(message, UserWarning, stacklevel=stacklevel)
