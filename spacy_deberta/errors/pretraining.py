"""Messages of pretraining (`spacy_deberta.pretraining`): E7xx."""


class PretrainingErrors:
    """Messages of exceptions, by their codes."""

    E701 = (
        "The corpus '{path}' can't be read: {error}. Correct the path, or put text there: .txt "
        "(also .xz, .gz, .bz2), .jsonl or .spacy."
    )
    E702 = (
        "What kind of file '{path}' is can't be seen from its name. Texts are read from .txt and "
        ".jsonl, also with .xz, .gz or .bz2 behind, and from .spacy; rename it, or convert it."
    )
    E703 = (
        "Line {line} of '{path}' is not UTF-8 ({reason}, byte {byte} of the file). Convert the "
        "file, for instance with `iconv -f latin1 -t utf8`."
    )
    E704 = "Line {line} of '{path}' is not JSON: {error}. Every line has to be an object."
    E705 = (
        "Line {line} of '{path}' has no text: found {found}. Every line has to be an object with "
        '"text", a string.'
    )
    E706 = "The file '{path}' is damaged, or is not what its name says: {error}. Get it again."
    E707 = (
        "There is no text in {where}. Give files with text in them; documents that are only "
        "whitespace do not count."
    )
    E708 = (
        "A reader of texts for pretraining gave {found}. It has to give strings, documents or "
        "examples, such as 'spacy-deberta.TextCorpus.v1' and 'spacy.Corpus.v1' do."
    )
    E709 = (
        "The folder '{folder}' is not a whole encoded corpus: {error}. Remove it, so that the "
        "corpus is encoded again."
    )
    E710 = (
        "The encoded corpus '{folder}' can't be written: {error}. Make room there, which takes "
        "about half as many bytes as the text, or choose another folder."
    )
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
        "The checkpoint '{path}' can't be written: {error}. {kept}. Make room on the disk, or see "
        "to the rights to the folder, and go on from there with --resume."
    )
    E724 = (
        "The checkpoint '{path}' can't be resumed from: {error}. None before it is whole, or they "
        "are of other models as well. Put back a copy of it or the config and the version of this "
        "package that it is of, or start over in another output folder: 'name' in [model] may be "
        "the folder of the model that this run has written."
    )
    E725 = (
        "The loss of update {step} is no number. {kept}. If the run computed with less than "
        "float32, go on from there with --resume and 'precision = \"fp32\"'. Otherwise begin "
        "another run in another output folder, with a lower 'learn_rate' or more 'warmup_steps'; "
        "'name' in [model] may be the model that this run has written."
    )
    E728 = (
        "The config has no '{section}', which pretraining needs. `configs/pretrain.cfg` is one "
        "with everything in it."
    )
    E729 = "There is no setting '{name}' in [{section}]. Known: {known}."
    E730 = "The values of [{section}] are not of their kinds: {error}. Correct them in the config."
    E731 = (
        "The folder '{folder}' has a pretraining already, at step {step}. Go on with --resume, or "
        "choose another folder."
    )
    E732 = (
        "The pretraining in '{folder}' can't be resumed with another config; what differs: "
        "{keys}. Set them back to what '{config}' says, or start over in another folder."
    )
    E733 = (
        "The vocabulary of the encoded corpus in '{folder}' is not that of the model. Remove the "
        "folder, so that it is encoded again."
    )
    E734 = (
        "The model '{path}' can't be written: {error}. The checkpoint of the training is written "
        "already. Make room on the disk, or see to the rights to the folder, and go on with "
        "--resume, which writes the model first if the training is done."
    )
    E735 = (
        "The pretraining can't write or remove '{path}': {error}. Make room on the disk, or see to "
        "the rights to the folder, and go on with --resume."
    )
    E736 = (
        "After update {step} there are weights that are no finite numbers, so they are not saved. "
        "{kept}. If the run computed with less than float32, go on from there with --resume and "
        "'precision = \"fp32\"'. Otherwise begin another run in another output folder, with a "
        "lower 'learn_rate' or more 'warmup_steps'; 'name' in [model] may be the model that this "
        "run has written."
    )
    E737 = (
        "Another process is pretraining in '{folder}': it holds the lock '{lock}'. Wait for it, "
        "stop it, or choose another folder. A process that is dead holds no lock."
    )
    E738 = (
        "The config '{path}', which the run to resume was started with, is damaged: {error}. If "
        "you still have that config, write it there; or start over in another folder."
    )
    E739 = (
        "The log '{path}' can't be read: {error}. See to the rights to it, or move it away: the "
        "training goes on without its rows."
    )
    E740 = "The setting '{name}' of a tokenizer's training can't be {value}: it has to be {wanted}."
    E741 = "There is no word in the texts that the vocabulary is to be measured on."
