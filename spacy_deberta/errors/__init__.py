"""The catalogue of errors and warnings.

Every message has a code and names the cause and the fix. Codes stay the same once released, so that
people can search for them. First digit: 1 encoder, 2 tokenization, 3 checkpoints,
4 spaCy models and layers, 5 command line, 6 components that run a checkpoint with a head,
7 pretraining, 8 bulk annotation and the service. Each has a file.
"""

import warnings

from .annotation import AnnotationErrors
from .catalogue import Coded, is_coded
from .checkpoints import CheckpointErrors
from .command_line import CommandLineErrors
from .components import ComponentErrors
from .encoder import EncoderErrors
from .gliner import GlinerErrors
from .layers import LayerErrors
from .pretraining import PretrainingErrors
from .service import ServiceErrors
from .tokenization import TokenizationErrors
from .values import (
    check_flag,
    check_list,
    check_number,
    check_path,
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
    "check_path",
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
    GlinerErrors,
    LayerErrors,
    CommandLineErrors,
    ComponentErrors,
    PretrainingErrors,
    AnnotationErrors,
    ServiceErrors,
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
    W204 = (
        "The tokenizer in '{path}' {reason}. Here it gets whole texts, and code that a checkpoint "
        "names is never run, so that the pieces may be others than those that the checkpoint was "
        "trained with. Set is_split_into_words = true in the [components.….model] of the config, "
        "and use a tokenizer of spaCy that makes the words that the model card describes. Each "
        "token is then split into pieces on its own, and this warning is not given."
    )
    W301 = (
        "The checkpoint '{source}' has unknown parameters, which are ignored: {keys}. If they "
        "matter, the checkpoint is for another model class."
    )
    W302 = (
        "'{name}' has a complete checkpoint and an adapter. The checkpoint is used, and the "
        "adapter is not. If it is not merged in there yet, name its base with 'base'; otherwise "
        "remove adapter_config.json."
    )
    W303 = (
        "The adapter '{name}' was trained with a pooler that neither it nor its base '{base}' "
        "has, so that its classifier can't predict what it was trained to: PEFT saves the pooler "
        "only if 'modules_to_save' names it. Train it again with "
        "modules_to_save=['pooler', 'classifier']."
    )
    W304 = (
        "'{name}' names code of its own ({classes}), which is never run: its weights are used in a "
        "DeBERTa-v2. If the code computes something else, so does the checkpoint here. Compare "
        "some outputs with those of its model card."
    )
    W305 = (
        "The tokenizer in '{path}' names code of its own ({classes}), which is never run: texts "
        "are split by the vocabulary alone. If the code splits texts into words first, as for "
        "Japanese, the pieces are others than the checkpoint was trained with. Compare some of "
        "them with those of its model card."
    )
    W306 = (
        "'id2label' of '{name}' names the labels {numbers}, and not 0 to {last}. The names are "
        "given to the outputs in this order. If they belong to others, correct 'id2label' in its "
        "config.json."
    )
    W307 = (
        "'id2label' and 'label2id' of '{name}' give other numbers to the labels {labels}. The "
        "names of 'id2label' are used, as in Hugging Face. If the checkpoint was trained with "
        "those of 'label2id', correct 'id2label' in its config.json."
    )
    W360 = (
        "{count} spans of a batch do not align with token boundaries and are left out, because "
        "'alignment_mode' of the component '{component}' is \"{mode}\". \"expand\" drops none."
    )
    W361 = (
        "{count} entities of a batch are left out, because they share a token with entities of "
        "higher scores, and 'doc.ents' can't overlap: the model splits texts into other words "
        "than the tokenizer. With 'annotate = \"spans\"' the component '{component}' keeps all."
    )
    W362 = (
        "{count} of {total} entities in the training data of '{component}' are longer than "
        "{width} words, the longest span of its model, which can't learn them. Leave them out, or "
        "use a token-level model, whose spans have no limit."
    )
    W363 = (
        "The training data of '{component}' has entities of labels in 'held_out' only, so that "
        "nothing is learned. Remove labels from 'held_out' in the section 'training' of the "
        "component."
    )
    W364 = (
        "The component '{component}' holds out labels that it does not ask for, so their scores "
        "are 0: {held_out}. Correct their spelling, or add them to 'labels', which are: {labels}."
    )
    W365 = (
        "The encoder has 'cuda_graphs = True', which has no effect: there are no graphs for "
        "{what}. Set it to False, or use the kernel 'triton' with a model without convolution."
    )
    W310 = (
        "The adapter's file {path} lacks what 'target_modules' and 'modules_to_save' in its config "
        "list: {keys}. These are as in the base, without training. Copy the adapter again from its "
        "source, or save it again with PEFT's `save_pretrained`."
    )
    W311 = (
        "The weights of '{source}' are stored in int8 and become float32, with the values that "
        "int8 has. To predict from them as they are, with less memory, set 'load_precision = "
        '"int8"\'.'
    )
    W313 = (
        "The encoder has 'device = \"{device}\"', but PyTorch has no such device here, so it runs "
        "on the CPU. Install PyTorch with support for it (https://pytorch.org/get-started), or "
        "set 'device = \"auto\"', which takes what there is without this warning."
    )
    W401 = (
        "{count} tokens of a batch are in no span of 'get_spans', so their vectors are zero. Use a "
        "span getter that covers every token, such as 'spacy-deberta.piece_windows.v1'."
    )
    W427 = (
        "{count} layers of the encoder have no prepared inference version: {types}. Their own "
        "modules run instead, with the same results, but slower. Register a function with "
        "'spacy_deberta.nn.inference.preparation.prepares', or merge adapters into the weights."
    )
    W440 = (
        "The learning rate can't be derived from the encoder: {why}. It is {rate}, the rate of a "
        "base-size checkpoint. Set 'initial_rate' in [training.optimizer.learn_rate] (about 0.001 "
        "for an encoder with random weights), or 'encoder' to the checkpoint."
    )
    W601 = (
        "{count} spans of a batch do not align with token boundaries and are left out, because "
        "'alignment_mode' of the component '{component}' is \"{mode}\". \"expand\" drops none."
    )
    W602 = (
        "{count} entities of a batch are left out, because they overlap with entities of higher "
        "scores, and 'doc.ents' can't overlap. With 'annotate = \"spans\"' the component "
        "'{component}' keeps all; with 'aggregation_strategy = \"first\"' there are none of them."
    )
    W603 = (
        "{count} pieces of a batch have labels of entities, but their tokens have none: the "
        "'aggregation_strategy' of the component '{component}', \"{strategy}\", loses entities "
        "within tokens, such as the address in 'mail:clara@example.org'. \"simple\" finds them, if "
        "the checkpoint was trained on all pieces and not only on the first of each word."
    )
    W610 = (
        "{count} of the {total} answers in '{path}' are not at 'answer_start' in the text, and are "
        "left out; questions without another answer are left out, too. They belong to: {names}. "
        "Correct their 'answer_start', which counts characters from 0."
    )
    W611 = (
        "{count} of the {total} questions of a batch are not trained on, because no window of the "
        "component '{component}' contains their whole answer: {names}. Set 'overlap' higher than "
        "the longest answer, and 'max_length' higher than 'overlap' plus the question."
    )
    W620 = (
        "The head of '{source}' was trained on another encoder than the shared one of the "
        "component '{owner}', so its scores mean little before it is trained further. Leave out "
        "'shared_encoder', or give '{owner}' the same checkpoint."
    )
    W701 = (
        "There is no evaluation data, so the log has no scores on unseen text: a share of "
        "{held_out} of {documents} documents is none. Give a separate corpus in [corpora.dev], or "
        "raise 'held_out'."
    )
    W702 = (
        "The checkpoint '{path}' is damaged: {error}. The run continues from '{good}', {lost} "
        "updates before it. The damaged checkpoint was moved to '{aside}'; remove it if you don't "
        "need it."
    )
    W703 = (
        "These lines of the log '{path}' are damaged and left out: {lines}. The original log was "
        "copied to '{aside}'; remove it if you don't need it."
    )
    W704 = (
        "The file system of '{folder}' does not support locks, so a second run in this folder "
        "would not be noticed. Make sure that there is only one."
    )
    W801 = (
        "The file system of '{folder}' does not support locks, so that a second annotation in this "
        "folder would not be noticed. Make sure that there is only one."
    )
    W841 = (
        "The service listens on {host}, so that other machines can reach it. It has no passwords "
        "and no encryption: everyone who reaches it can annotate texts. Put a proxy with both in "
        "front of it, or leave out '--host', which is 127.0.0.1 then."
    )


def warn(message: str, *, stacklevel: int = 3) -> None:
    """Issue a warning of the catalogue, attributed to the caller's caller.

    Args:
        message: A formatted message of `Warnings`.
        stacklevel: As in `warnings.warn`, counted from this function.
    """
    warnings.warn(message, UserWarning, stacklevel=stacklevel)
