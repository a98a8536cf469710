"""The catalogue of errors and warnings.

Every message has a code, names the cause and says the way out. Codes stay the same once released,
so that people can search for them. First digit: 1 encoder, 2 tokenization, 3 checkpoints,
4 spaCy layers and components, 5 command line.
"""

import warnings
from typing import Any


class _Coded(type):
    """Puts the code in front of the message: `Errors.E101` is `"[spacy-deberta E101] ..."`."""

    def __getattribute__(cls, name: str) -> Any:
        value = super().__getattribute__(name)
        if name.startswith("_"):
            return value
        return f"[spacy-deberta {name}] {value}"


class Errors(metaclass=_Coded):
    """Messages of exceptions, used as `raise ValueError(Errors.E101.format(...))`."""

    # 1xx: the encoder (spacy_deberta.nn)
    E101 = (
        "This configuration describes a '{model_type}' model, but the encoder is of the family "
        "'deberta-v2' (DeBERTa-v2, DeBERTa-v3 and mDeBERTa). {hint}"
    )
    E102 = (
        "The configuration's '{field}' is {value!r}, which has to be {expected}. Correct it in the "
        "config.json or in the call."
    )
    E103 = (
        "{heads} attention heads of {head_size} make a width of {width}, but 'hidden_size' is "
        "{hidden_size}. Choose 'num_attention_heads' so that it divides 'hidden_size', and leave "
        "'attention_head_size' out or set it to their quotient."
    )
    E104 = (
        "'{value}' is no known {field}. Known: {known}. If the checkpoint really was trained with "
        "it, please open an issue."
    )
    E105 = (
        "The convolution can't have a kernel of {kernel_size} in {groups} groups over a width of "
        "{hidden_size}: the kernel has to be odd, so that every piece gets one row, and the groups "
        "have to divide 'hidden_size'. Correct 'conv_kernel_size' or 'conv_groups'."
    )
    E106 = (
        "'num_labels' is {num_labels}, but 'id2label' names {named} labels. Give only one of the "
        "two, or use `config.with_labels([...])`."
    )
    E107 = (
        "{buckets} 'position_buckets' can't cover distances up to {max_distance}: there have to be "
        "at least 2 buckets, and half of them have to be fewer than the largest distance. Lower "
        "'position_buckets' or raise 'max_relative_positions'."
    )
    E108 = (
        "The lengths of the sequences sum to {expected}, but '{name}' has {rows} rows. Packed "
        "pieces are one row per piece, all sequences one after another, no padding."
    )
    E109 = "Either 'input_ids' or 'inputs_embeds' has to be given, and not both; given: {given}."
    E110 = (
        "Sequence {index} has padding between its pieces (attention_mask {mask}...). Padding may "
        "stand to the left or to the right of a sequence; remove the masked pieces from it."
    )
    E111 = (
        "'{name}' has the shape {shape}, expected {expected}. Pairwise masks of shape (batch, "
        "length, length) are not supported."
    )
    E112 = "'{name}' holds {value}, but only 0 to {last} exist in this model. {hint}"
    E113 = "'{value}' is no attention kernel on this machine. Known: {known}."
    E114 = (
        "Can't freeze {layers} layers of a model that has {available}. Choose a number from 0 to "
        "{available}."
    )
    E115 = (
        "'attention_mask' may only hold 0 and 1 (or booleans), but holds {value}. Additive masks "
        "have to be turned into 0 and 1: `(mask == 0).long()`."
    )
    E116 = "The dropout rate {rate!r} is not a number from 0 up to (but without) 1."
    E117 = "'{name}' has the shape {shape}, but this head expects {expected}."
    E118 = (
        "Rows {low} to {high} are to be decoded, but the batch has {total} rows. They are counted "
        "from 0, over all packed sequences."
    )
    E119 = (
        "Sequence {index} has no pieces, but this head answers from the first piece of every "
        "sequence. Leave empty texts out, or keep the [CLS] piece of each."
    )
    E120 = (
        "The head can't be made from this config: {reason}. Correct it in the config.json or with "
        "'config_overrides'."
    )
    E121 = (
        "{sequences} sequences can't be questions of {choices} choices each. Pack all choices of "
        "the first question, then those of the second, and so on."
    )

    # 2xx: tokenization (spacy_deberta.tokenization)
    E201 = "There is no vocabulary at '{path}'. Give the path of an 'spm.model', or its bytes."
    E202 = (
        "These {size} bytes are no SentencePiece model ({error}). Is the file complete? A Git LFS "
        "pointer has some 130 bytes; an 'spm.model' of DeBERTa has 2.4 million."
    )
    E203 = "Give either 'vocab_file' or 'model_proto', and not both."
    E204 = (
        "The token '{token}' ({role}) is not in the vocabulary. Name the one the vocabulary has "
        "({role}='...'), or list it in 'added_tokens' if the model has an embedding for it."
    )
    E205 = "Texts have to be a list of strings: {error}."
    E206 = "'{option}' needs a length to go by: give 'max_length' as well."
    E207 = "'{value}' is no {option}. Known: {known}."
    E208 = (
        "Texts of {shortest} to {longest} pieces don't fit in one tensor. Give 'padding=True', and "
        "'truncation=True' with 'max_length' if they are too long for the model."
    )
    E209 = (
        "{remove} pieces too many, and '{strategy}' can't take them from a text of {available}. "
        "Raise 'max_length', or use truncation='longest_first'."
    )
    E210 = (
        "The texts are too few for a vocabulary of {vocab_size} pieces. {hint} Lower 'vocab_size', "
        "or train on more text."
    )
    E211 = "SentencePiece could not train a vocabulary: {error}"
    E212 = "'{path}' is no folder of a tokenizer: it lacks '{file}'. It has: {found}."
    E213 = "'{path}' is not the JSON it should be: {error}. Restore the file or remove it."
    E214 = (
        "SentencePiece's pieces are not those of its own normalized text, so that they can't be "
        "aligned. Please open an issue with the vocabulary and this text: {text!r}"
    )
    E215 = "{texts} texts and {pairs} partners: 'text_pair' has to have one for every text."
    E216 = "These bytes are no tokenizer: {error}. They have to come from 'to_bytes'."
    E217 = "A piece id can't be {id}: ids start at 0."
    E218 = (
        "'{token}' can't have the id {id}, which belongs to '{other}'. Leave the id out to get the "
        "next free one, or correct it in 'tokenizer_config.json' or 'added_tokens.json'."
    )
    E219 = (
        "{vocab_size} pieces are too few: the characters of the texts, the bytes and the special "
        "tokens alone are {needed}. Raise 'vocab_size', or lower 'character_coverage'."
    )

    E301 = (
        "There is no folder '{path}'. Give the path of an existing folder with config.json, "
        "weights and spm.model, or a name on the Hugging Face hub such as "
        "'microsoft/deberta-v3-base'."
    )
    E302 = (
        "'{name}' (revision '{revision}') is neither a folder here nor to be had from the Hugging "
        "Face hub. Check the spelling; for a private or gated repository, log in with "
        "`hf auth login`. The hub said: {error}"
    )
    E303 = (
        "'{name}' is no folder here, its {file} is not in the local cache, and the Hugging Face "
        "hub can't be reached: {error}. Go online once to fetch it, or copy the checkpoint's "
        "folder to this machine and give its path instead of the name."
    )
    E304 = (
        "The checkpoint '{name}' has no {file}. If this is a folder of your own, copy the file "
        "into it; on the hub, look whether another revision has it."
    )
    E305 = (
        "The weights file {path} can't be read: {error}. It is damaged or incomplete; copy or "
        "download it again."
    )
    E306 = (
        "The checkpoint '{source}' lacks parameters of the model: {keys}. It was made for another "
        "config or is damaged; compare its config.json with `spacy deberta info`."
    )
    E307 = (
        "The checkpoint '{source}' does not fit its config: {shapes}. Use the config.json that "
        "belongs to these weights."
    )
    E308 = (
        "The config {path} can't be read: {error}. Copy it again from where the checkpoint comes "
        "from."
    )
    E309 = (
        "The checkpoint '{name}' has no spm.model, so texts can't be split into pieces. Copy the "
        "SentencePiece model that the checkpoint was trained with into its folder."
    )
    E310 = (
        "The vocabulary has {pieces} pieces, but the encoder has only {rows} embeddings: ids from "
        "{rows} on have none. Use the vocabulary that belongs to the checkpoint, or set "
        "'vocab_size' to at least {pieces} for a model from scratch."
    )
    E311 = "Unknown storage precision '{precision}'. Use one of: {known}."
    E312 = (
        "A checkpoint can't be saved to '{path}': {error}. Give the path of a folder; it is made "
        "if it is missing."
    )
    E313 = (
        "'config_overrides' has {unknown}, which a DeBERTa-v2 does not have. Use the fields of "
        "DebertaV2Config."
    )
    E314 = (
        "'{file}' of '{name}' can't be downloaded: {error}. Check the connection, the free space "
        "and the rights of the cache folder, and try again: what is already there is not fetched "
        "twice."
    )
    E315 = (
        "Weights of TensorFlow (.h5) are read and written with the package h5py, which is not "
        "installed: `pip install 'spacy-deberta[tf]'`."
    )
    E316 = (
        "The checkpoint '{source}' is of the first DeBERTa, DeBERTa-v1: it has '{key}'. Its "
        "attention and byte-level vocabulary are not those of v2 and v3. Use a checkpoint named "
        "deberta-v2-*, deberta-v3-* or mdeberta-v3-*."
    )
    E317 = (
        "TensorFlow's classes can't hold this model: {reason}. Convert it to 'huggingface' or "
        "'spacy' instead."
    )
    E318 = (
        "'{path}' exists and is no empty folder, and a conversion replaces nothing. Give the path "
        "of a new folder, or empty this one."
    )

    E401 = (
        "The transformer model has no weights to start from. Set 'name' in "
        "[components.transformer.model] to a folder or a hub name, or give "
        "'from_scratch' with a vocabulary and a size."
    )
    E402 = (
        "The transformer model has both 'name' ({name}) and 'from_scratch'. Keep one of them: "
        "'name' starts from a checkpoint, 'from_scratch' from random weights."
    )
    E403 = (
        "The transformer model is used before it has weights. Call `nlp.initialize()` first, or "
        "load a trained pipeline with `spacy.load`."
    )
    E404 = (
        "'from_scratch' needs 'vocabulary': the path of a SentencePiece model (spm.model). "
        "`spacy_deberta.tokenization.train_vocabulary` makes one from text."
    )
    E405 = "Unknown precision '{precision}'. Use one of: {known}."
    E406 = (
        "This model was saved by a newer spacy-deberta (format {found}, this release reads up to "
        "{known}). Update with `pip install -U spacy-deberta`."
    )
    E407 = (
        "The saved transformer model can't be read: {error}. The file is damaged or was not "
        "written by spacy-deberta; copy or train it again."
    )
    E408 = (
        "Windows of {window} pieces with an overlap of {overlap} can't cover a text: 'window' must "
        "be at least 1, and 'overlap' at least 0 and smaller than 'window'."
    )
    E409 = (
        "'spacy-deberta.piece_windows.v1' counts pieces, which only the architecture "
        "'spacy-deberta.DebertaV2Model.v1' knows. With another architecture, use "
        "'spacy-transformers.strided_spans.v1'."
    )
    E410 = (
        "Windows of {window} pieces are longer than the {limit} that this checkpoint has positions "
        "for. Set 'window' in [components.*.model.get_spans] to {limit} or less."
    )
    E413 = "'{name}' is {value}, but must be {condition}."
    E414 = (
        "'from_scratch' has settings that a DeBERTa-v2 does not have: {unknown}. Use 'vocabulary' "
        "and the fields of DebertaV2Config, such as 'hidden_size' and 'num_hidden_layers'."
    )
    E415 = (
        "'{path}' holds no transformer model: {file} is missing. The save was stopped before it "
        "was complete, or the folder was written by another factory. Save or train the pipeline "
        "again."
    )
    E416 = (
        "'spacy-deberta.PooledTextClassifier.v1' pools all rows of a document, but its 'tok2vec' "
        "gives {found}. Set it to '@architectures = \"spacy-deberta.DocumentListener.v1\"', not to "
        "a listener that gives rows of tokens."
    )

    # 5xx: the command line (spacy_deberta.cli)
    E501 = "{error}. Check the path, and that you may read it."
    E502 = (
        "spaCy has no tokenizer for the language '{lang}' here. Give the code of a language such "
        "as 'en' or 'de', or 'xx' for any. spaCy said: {error}"
    )
    E503 = (
        "The page can't be written to '{path}': {error}. Give a file in an existing folder that "
        "you may write to."
    )
    E504 = (
        "The text is not valid UTF-8: {error}. Convert it first, for example with `iconv -t utf-8`."
    )
    E505 = (
        "'{name}' is a trained pipeline, which has its own language and tokenizer: leave out "
        "'lang'."
    )
    E506 = (
        "The pipeline '{name}' can't be loaded. Check that the folder is complete, and that the "
        "packages it was trained with are installed. spaCy said: {error}"
    )
    E507 = (
        "The pipeline '{name}' has no component with 'spacy-deberta.DebertaV2Model.v1', whose "
        "pieces could be shown. Its components: {components}. Give a pipeline with a DeBERTa, a "
        "checkpoint, or the path of an spm.model."
    )
    E508 = "'{to}' is no layout to convert to. Known: {known}."
    E509 = "'{to}' has no language: leave out 'lang', which is for pipelines ('spacy') only."


class Warnings(metaclass=_Coded):
    """Messages of warnings, used as `warn(Warnings.W201.format(...))`."""

    W301 = (
        "The checkpoint '{source}' has parameters that nobody knows, and which are left out: "
        "{keys}. If they matter, the checkpoint is for another model class."
    )
    W401 = (
        "{count} tokens of a batch are in none of the spans of 'get_spans', so their vectors are "
        "zero. Use a span getter that covers every token, such as "
        "'spacy-deberta.piece_windows.v1'."
    )


def warn(message: str, *, stacklevel: int = 3) -> None:
    """Show a warning of the catalogue as raised by the caller's caller.

    Args:
        message: A formatted message of `Warnings`.
        stacklevel: As in `warnings.warn`, counted from this function.
    """
    warnings.warn(message, UserWarning, stacklevel=stacklevel)
