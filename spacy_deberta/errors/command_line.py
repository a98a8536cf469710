"""Messages of the command line (`spacy_deberta.cli`): E5xx."""


class CommandLineErrors:
    """Messages of exceptions, by their codes."""

    E501 = "{error}. {way_out}."
    E502 = (
        "spaCy has no tokenizer for the language '{lang}'. Give the code of a language such as "
        "'en' or 'de', or 'xx' for any. spaCy said: {error}"
    )
    E503 = (
        "The page can't be written to '{path}': {error}. Give a file in an existing folder with "
        "permission to write."
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
        "The pipeline '{name}' has no component with 'spacy-deberta.DebertaV2Model.v1', so there "
        "are no pieces to show. Its components: {components}. Give a pipeline with a DeBERTa, a "
        "checkpoint, or the path of an spm.model."
    )
    E508 = "Unknown layout '{to}'. Known: {known}."
    E509 = "'{to}' has no language: leave out 'lang', which is for pipelines ('spacy') only."
    E511 = (
        "The page has no plots: they need the package matplotlib, which is not installed. To add "
        "them, `pip install 'spacy-deberta[visualize]'`, and write the page again."
    )
    E512 = "The {kind} '{path}' can't be used: {cause}. {way_out}."
    E513 = (
        "The GPU {number} can't be used: {reason}. Give '--gpu-id' the number of another one, "
        "counted from 0, or -1 for the CPU. A GPU needs PyTorch with CUDA, see "
        "https://pytorch.org/get-started, and for pipelines CuPy: `pip install "
        "'spacy-deberta[cuda12x]'`."
    )
    E514 = (
        "'{place}' of the config is {found}, but has to be {expected}, or a variable for that. "
        "Correct it, and migrate the config again."
    )
    E515 = (
        "'--encoder' is empty. Give a folder or a name on the hub, such as "
        "'microsoft/deberta-v3-base', or leave it out."
    )
    E516 = (
        "The config can't be written to '{path}': {error}. Give a file in an existing folder "
        "with permission to write, on a disk with space."
    )
    E521 = (
        "The optimizer left the weights of the encoder as they are. As in `nlp.rehearse`, it may "
        "update them later, which is possible only if thinc's arrays share the memory of the "
        "encoder, and this one is on '{device}'. Set 'device = \"cpu\"' in the "
        "[components.….model] of the config, and run spaCy on the CPU."
    )
    E525 = (
        "'{path}' is no config of a spaCy pipeline: {error}. Give a file as `spacy init config` "
        "writes it, or the config.cfg of a saved pipeline."
    )
    E531 = (
        "Annotated texts can't be read from '{path}': its suffix is unknown. Known: {known}, also "
        "compressed with .xz, .gz or .bz2. For .conll, .iob and others there is `spacy convert`."
    )
    E532 = (
        "{place}: this row can't be used: {reason}. A row has a text and its annotations, such as "
        '{{"text": "Mira left.", "entities": [[0, 4, "PERSON"]]}} or {{"text": "Mira left.", '
        '"label": "travel"}}; --text and --label name other fields.'
    )
    E533 = (
        "There are {n} texts, and a split needs {wanted}. Give more texts, or lower 'dev' and "
        "'test'; with 0 there is no such file."
    )
    E534 = (
        "No row of {files} has annotations in a known field: entities, ents, spans, label, labels, "
        "cats, accept, category, categories, or start, end and label. Name the field with --label."
    )
    E535 = (
        "{n} spans do not fit, the first is {first}. Nothing was written. Correct them, choose an "
        "'alignment_mode', or leave out 'strict', which leaves out the spans."
    )
    E536 = (
        "The language '{lang}' has no tokenizer here: {error}. Give the code of a language of "
        "spaCy, such as en or de, and install what it needs."
    )
    E537 = (
        "No config can be made for these components: {reason}. Give '--pipeline' names of: "
        "{known}. Other components of spaCy can be added to the config, see docs/training.md."
    )
    E538 = "'{path}' exists already. Give another path, or overwrite it with '--force'."
    E539 = "Unknown value of 'optimize': {optimize!r}. Known: 'cpu', 'gpu'."
    E540 = (
        "An encoder from random weights needs a vocabulary. Give '--vocabulary' an spm.model, as "
        "`spacy deberta train-tokenizer` trains it, or give '--encoder' a checkpoint."
    )
    E541 = (
        "The width {hidden_size} can't be divided among attention heads. Give a '--hidden-size' "
        "that is a multiple of 64, or a multiple of 4 below 256."
    )
    E542 = (
        "'{path}' exists already, and spaCy does not log to a file that exists. Give '--log' "
        "another path, or remove the file with '--force'."
    )
    E543 = "'{name}' is {value}. Give a value that is {wanted}."
