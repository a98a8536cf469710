"""Messages of models and their layers in spaCy (`spacy_deberta.layers`): E4xx."""


class LayerErrors:
    """Messages of exceptions, by their codes."""

    E401 = (
        "The model has no weights to start from. Set 'name' in [{section}] to a folder or a hub "
        "name, or give {scratch} there, for random weights."
    )
    E402 = (
        "[{section}] has both 'name' ({name}) and {scratch}. Keep one of them: 'name' starts from "
        "a checkpoint with its vocabulary, {scratch} from random weights."
    )
    E403 = (
        "The model in [components.{component}] is used before it has weights. Call "
        "`nlp.initialize()` first, or load a trained pipeline with `spacy.load`."
    )
    E404 = (
        "[{section}] needs 'vocabulary': the path of a SentencePiece model (spm.model). `spacy "
        "deberta train-tokenizer` makes one from text."
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
        "'spacy-deberta.strided_spans.v1'."
    )
    E410 = (
        "Windows of {window} pieces are longer than the {limit} that this checkpoint has positions "
        "for. Set 'window' in [components.*.model.get_spans] to {limit} or less."
    )
    E413 = "'{name}' is {value}, but must be {condition}."
    E414 = (
        "[{section}] has settings that a DeBERTa-v2 does not have: {unknown}. Use the fields of "
        "DebertaV2Config, such as 'hidden_size' and 'num_hidden_layers'."
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
    E420 = (
        "The suggester of a span categorizer gives the span {start}:{end} of a document of "
        "{length} tokens. Suggest spans of at least one token, inside their document, as their "
        "first token and the one after their last."
    )
    E421 = (
        "The saved weights are those of 'spacy-transformers.TransformerModel', which stores them "
        "in another form than 'spacy-deberta.DebertaV2Model.v1'. Load the pipeline with the block "
        "that it was trained with, or train it again with this one; docs/migrating.md says how a "
        "new training takes over the encoder."
    )
    E422 = (
        "The saved weights are those of another architecture, with the layers {found}; the config "
        "asks for {expected}. Give the component the '@architectures' that it was trained with, or "
        "train it again."
    )
    E423 = (
        "'{path}' holds no settings of a component: {reason}. The file is damaged or was written "
        "by something else; copy the pipeline again."
    )
    E424 = (
        "A component listens to '{upstream}', but would read the rows of '{encoder}', which stands "
        "between them and writes 'doc._.trf_data' last. Give '{upstream}' the factory 'deberta', "
        "move the component before '{encoder}', or give it an encoder of its own with "
        "`nlp.replace_listeners`."
    )
    E450 = (
        "A component is updated with other documents than the encoder that it listens to. Update "
        "the whole pipeline with `nlp.update`, and give the encoder and the component the same "
        "examples in the same order."
    )
    E451 = (
        "A layer that pools the rows of tokens was given {found}, not the output of an encoder "
        "('TransformerData'). 'doc._.trf_data' was written by another package, or the layer does "
        "not follow 'spacy-deberta.DebertaV2Model.v1' or a listener."
    )
    E452 = (
        "Windows of {window} tokens that begin every {stride} tokens leave tokens out. Set "
        "'stride' of 'spacy-deberta.strided_spans.v1' to 'window' or less."
    )
    E453 = (
        "The component '{component}' was given {found} as its model. Set '@architectures' in "
        "[components.{component}.model] to 'spacy-deberta.DebertaV2Model.v1'."
    )
    E454 = (
        "'{name}' is part of spacy-transformers, which is not installed. Either install it, `pip "
        "install 'spacy-deberta[spacy-transformers]'`, or use '{replacement}': `spacy deberta "
        "migrate-config OLD NEW` rewrites a config, be it the config.cfg of a saved pipeline."
    )
