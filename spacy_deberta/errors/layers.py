"""Messages of models and their layers in spaCy (`spacy_deberta.layers`): E4xx."""


class LayerErrors:
    """Messages of exceptions, by their codes."""

    E401 = (
        "The model has no initial weights. Set 'name' in [{section}] to a folder or a hub name, or "
        "give {scratch} there, for random weights."
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
        "deberta train-tokenizer` trains one on text."
    )
    E405 = "Unknown precision '{precision}'. Use one of: {known}."
    E406 = (
        "This model was saved by a newer spacy-deberta (format {found}; this release reads formats "
        "up to {known}). Update with `pip install -U spacy-deberta`."
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
        "Windows of {window} pieces are longer than the {limit} positions of this checkpoint. Set "
        "'window' in [components.*.model.get_spans] to {limit} or less."
    )
    E413 = "'{name}' is {value}, but must be {condition}."
    E414 = (
        "[{section}] has unknown settings: {unknown}. Use the fields of DebertaV2Config, such as "
        "'hidden_size' and 'num_hidden_layers'."
    )
    E415 = (
        "'{path}' contains no transformer model: {file} is missing. The save was interrupted, or "
        "the folder was written by another factory. Save or train the pipeline again."
    )
    E416 = (
        "'spacy-deberta.PooledTextClassifier.v1' pools all rows of a document, but its 'tok2vec' "
        "outputs {found}. Set it to '@architectures = \"spacy-deberta.DocumentListener.v1\"', not "
        "to a listener that outputs rows of tokens."
    )
    E420 = (
        "The suggester of a span categorizer suggested the span {start}:{end} of a document of "
        "{length} tokens. Suggest spans of at least one token within their document, with the end "
        "after the last token."
    )
    E421 = (
        "The saved weights are those of 'spacy-transformers.TransformerModel', which has another "
        "format than 'spacy-deberta.DebertaV2Model.v1'. Load the pipeline with the block that it "
        "was trained with, or train it again with this one; docs/migrating.md says how to start "
        "from its encoder."
    )
    E422 = (
        "The saved weights are those of another architecture, with the layers {found}; the config "
        "asks for {expected}. Give the component the '@architectures' that it was trained with, or "
        "train it again."
    )
    E423 = (
        "'{path}' contains no valid settings of a component: {reason}. The file is damaged or was "
        "not written by spacy-deberta; copy the pipeline again."
    )
    E424 = (
        "A component listens to '{upstream}', but would read the rows of '{encoder}'. Either "
        "'{upstream}' is disabled, excluded or not in the pipeline: enable it, or, if it has "
        "another name now, set 'upstream' of the listener to that. Or '{encoder}' is between the "
        "two and overwrites 'doc._.trf_data': give '{upstream}' the factory 'deberta', move the "
        "component before '{encoder}', or give it an encoder of its own with "
        "`nlp.replace_listeners`."
    )
    E425 = (
        "The component '{component}' listens to '{upstream}', but no encoder of that name comes "
        "before it in the pipeline. Encoders before it: {found}. Set 'upstream' in the listener of "
        "[components.{component}] to one of them, or move the component behind '{upstream}'."
    )
    E426 = (
        "A component listens to '{upstream}' ('*' is any encoder), but no such encoder comes "
        "before it in the pipeline. Move the component behind the encoder, or set 'upstream' of "
        "its listener to the name of one that comes before it."
    )
    E450 = (
        "A component was updated with other documents than the encoder that it listens to. Update "
        "the whole pipeline with `nlp.update`, or give the encoder and the component the same "
        "examples in the same order."
    )
    E451 = (
        "A layer that pools the rows of tokens got {found}, not the output of an encoder "
        "('TransformerData'). Either 'doc._.trf_data' was written by another package, or the layer "
        "does not follow 'spacy-deberta.DebertaV2Model.v1' or a listener."
    )
    E452 = (
        "Windows of {window} tokens with a stride of {stride} leave tokens out. Set 'stride' of "
        "'spacy-deberta.strided_spans.v1' to 'window' or less."
    )
    E453 = (
        "The model of the component '{component}' is {found}. Set '@architectures' in "
        "[components.{component}.model] to 'spacy-deberta.DebertaV2Model.v1'."
    )
    E454 = (
        "'{name}' is part of spacy-transformers, which is not installed. Either install it, `pip "
        "install 'spacy-deberta[spacy-transformers]'`, or use '{replacement}': `spacy deberta "
        "migrate-config OLD NEW` rewrites a config, be it the config.cfg of a saved pipeline."
    )
    E455 = (
        "[{section}] of {path} has '{setting}', a setting of another transformer package: {reason}"
        ". Remove it, or let `spacy deberta migrate-config {path} NEW` remove all of them."
    )
    E457 = (
        "The span getter of 'get_spans' returned {found}. It has to return a list with one list of "
        "`Span` objects for each document, in the order of the documents."
    )
    E458 = (
        "The span getter of 'get_spans' returned the span {span} of another document. For each "
        "document it has to return slices of that document, such as `doc[0:10]`, not of a copy."
    )
