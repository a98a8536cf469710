"""Messages of pretraining (`spacy_deberta.pretraining`): E7xx."""


class PretrainingErrors:
    """Messages of exceptions, by their codes."""

    E701 = (
        "The corpus '{path}' can't be read: {error}. Correct the path, or add files with text: "
        ".txt (also .xz, .gz, .bz2), .jsonl or .spacy."
    )
    E702 = (
        "The file '{path}' has an unknown suffix. Texts are read from .txt and .jsonl, also "
        "compressed with .xz, .gz or .bz2, and from .spacy; rename it, or convert it."
    )
    E703 = (
        "Line {line} of '{path}' is not UTF-8 ({reason}, byte {byte} of the file). Convert the "
        "file, for example with `iconv -f latin1 -t utf8`."
    )
    E704 = "Line {line} of '{path}' is not JSON: {error}. Every line has to be an object."
    E705 = (
        "Line {line} of '{path}' has no text: found {found}. Every line has to be an object with "
        '"text", a string.'
    )
    E706 = "The file '{path}' is damaged, or not of its suffix's type: {error}. Copy it again."
    E707 = (
        "There is no text in {where}. Give files with text in them; documents that are only "
        "whitespace do not count."
    )
    E708 = (
        "A reader of texts for pretraining yielded {found}. It has to yield strings, documents or "
        "examples, such as 'spacy-deberta.TextCorpus.v1' and 'spacy.Corpus.v1' do."
    )
    E709 = (
        "The encoded corpus '{folder}' is incomplete: {error}. Remove the folder, so that the "
        "corpus is encoded again."
    )
    E710 = (
        "The encoded corpus '{folder}' can't be written: {error}. Free space on its disk (about "
        "half as many bytes as the text), or choose another folder."
    )
    E720 = (
        "Pieces can't be masked with these settings: {masking}. 'probability' must be above 0 and "
        "below 1, 'masked' and 'replaced' at least 0 and together at most 1, and 'max_ngram' at "
        "least 1."
    )
    E721 = (
        "The setting '{name}' of the pretraining is {value!r}, but has to be {wanted}. Change it "
        "in the config."
    )
    E722 = (
        "An update has {sequences} sequences, which is too few for {processes} processes. Start "
        "fewer of them, raise 'batch_pieces', or give a larger corpus."
    )
    E723 = (
        "The checkpoint '{path}' can't be written: {error}. {kept}. Free space on the disk, or "
        "correct the permissions of the folder, and continue with --resume."
    )
    E724 = (
        "The checkpoint '{path}' can't be resumed: {error}. No earlier one is complete and of this "
        "model. Restore a copy of it, or the config and the version of this package that wrote it, "
        "or start a new run in another output folder: 'name' in [model] may be the folder of the "
        "model that this run has written."
    )
    E725 = (
        "The loss of update {step} is NaN or infinite. {kept}. If the precision of the run is "
        "lower than float32, continue with --resume and 'precision = \"fp32\"'. Otherwise start a "
        "new run in another output folder, with a lower 'learn_rate' or more 'warmup_steps'; "
        "'name' in [model] may be the model that this run has written."
    )
    E728 = (
        "The config has no '{section}', which pretraining needs. `configs/pretrain.cfg` is a "
        "complete example."
    )
    E729 = "There is no setting '{name}' in [{section}]. Known: {known}."
    E730 = "Values of [{section}] have the wrong type: {error}. Correct them in the config."
    E731 = (
        "The folder '{folder}' has a pretraining already, at step {step}. Continue with --resume, "
        "or choose another folder."
    )
    E732 = (
        "The pretraining in '{folder}' can't be resumed with another config; these values differ: "
        "{keys}. Change them back to those of '{config}', or start over in another folder."
    )
    E733 = (
        "The vocabulary of the encoded corpus in '{folder}' is not the model's. Remove the folder, "
        "so that the corpus is encoded again."
    )
    E734 = (
        "The model '{path}' can't be written: {error}. The checkpoint of the training is already "
        "written. Free space on the disk, or correct the permissions of the folder, and continue "
        "with --resume, which writes the model first if the training is complete."
    )
    E735 = (
        "The pretraining can't write or remove '{path}': {error}. Free space on the disk, or "
        "correct the permissions of the folder, and continue with --resume."
    )
    E736 = (
        "After update {step} weights are NaN or infinite, so they are not saved. {kept}. If the "
        "precision of the run is lower than float32, continue with --resume and 'precision = "
        "\"fp32\"'. Otherwise start a new run in another output folder, with a lower 'learn_rate' "
        "or more 'warmup_steps'; 'name' in [model] may be the model that this run has written."
    )
    E737 = (
        "Another process is pretraining in '{folder}': it holds the lock '{lock}'. Wait for it, "
        "stop it, or choose another folder. The lock of a dead process is released."
    )
    E738 = (
        "The config '{path}', with which the run to resume was started, is damaged: {error}. "
        "Restore it if you have a copy, or start over in another folder."
    )
    E739 = (
        "The log '{path}' can't be read: {error}. Correct its permissions, or move it: the "
        "training continues without its rows."
    )
    E740 = "The setting '{name}' of a tokenizer's training is {value}, but has to be {wanted}."
    E741 = "The texts to evaluate the vocabulary on contain no words."
