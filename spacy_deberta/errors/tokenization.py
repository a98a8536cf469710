"""Messages of tokenization (`spacy_deberta.tokenization`): E2xx."""


class TokenizationErrors:
    """Messages of exceptions, by their codes."""

    E201 = "There is no vocabulary at '{path}'. Give the path of an 'spm.model', or its bytes."
    E202 = (
        "These {size} bytes are not a SentencePiece model ({error}). Is the file complete? A Git "
        "LFS pointer has about 130 bytes; DeBERTa's 'spm.model' has 2.4 million."
    )
    E203 = "Give one of 'vocab_file', 'model_proto' and 'pipeline', and no other."
    E204 = (
        "The token '{token}' ({role}) is not in the vocabulary. Give the vocabulary's own token "
        "({role}='...'), or list it in 'added_tokens' if the model has an embedding for it."
    )
    E205 = "Texts have to be a list of strings: {error}."
    E206 = "'{option}' needs a length: give 'max_length' as well."
    E207 = "Unknown {option} '{value}'. Known: {known}."
    E208 = (
        "Texts of {shortest} to {longest} pieces don't fit in one tensor. Set 'padding=True', and "
        "'truncation=True' with 'max_length' if they are too long for the model."
    )
    E209 = (
        "{remove} pieces have to be truncated, but '{strategy}' can't remove them from a text of "
        "{available}. Raise 'max_length', or use truncation='longest_first'."
    )
    E210 = (
        "There is too little text for a vocabulary of {vocab_size} pieces. {hint} Lower "
        "'vocab_size', or train on more text."
    )
    E211 = "SentencePiece could not train a vocabulary: {error}"
    E212 = (
        "'{path}' is no folder of a tokenizer: it has neither spm.model nor tokenizer.json nor "
        "vocab.txt. It has: {found}. Copy the vocabulary of the checkpoint into it."
    )
    E213 = "'{path}' is not the JSON it should be: {error}. Restore the file or remove it."
    E214 = (
        "SentencePiece's pieces differ from its own normalized text, so they can't be aligned. "
        "Please open an issue with the vocabulary and this text: {text!r}"
    )
    E215 = "'text_pair' has {pairs} texts for {texts}: it has to have one for every text."
    E216 = "These bytes are not a tokenizer: {error}. They have to come from 'to_bytes'."
    E217 = "Invalid piece id {id}: ids start at 0."
    E218 = (
        "'{token}' can't have the id {id}, which belongs to '{other}'. Leave the id out for the "
        "next free one, or correct it in 'tokenizer_config.json' or 'added_tokens.json'."
    )
    E219 = (
        "{vocab_size} pieces are too few: the characters of the texts, the bytes and the special "
        "tokens alone need {needed}. Raise 'vocab_size', or lower 'character_coverage'."
    )
    E220 = (
        "The vocabulary has no unknown piece for characters that it can't spell. Restore the "
        "'spm.model', or train one with 'spacy deberta train-tokenizer'."
    )
    E221 = (
        "Piece {id} of the vocabulary is not UTF-8 ({error}). The 'spm.model' is damaged, or was "
        "not written by SentencePiece: restore it."
    )
    E230 = (
        "'{field}' in '{path}' is {found}, but has to be {expected}. Correct it, or copy the file "
        "again from the source of the checkpoint."
    )
    E231 = (
        "'threads' is {threads}, but has to be a whole number, or None for one thread on each core."
    )
    E232 = (
        "{file} can't be read: {error}. Is the file complete? Copy it again from where the "
        "checkpoint comes from."
    )
    E233 = (
        "The vocabulary has no unknown piece ('unk_id' or 'unk_token' of the model in "
        "tokenizer.json). Name one of its pieces there, such as '[UNK]', or restore the file."
    )
    E234 = (
        "There is no tokenizer engine '{engine}'. Use {known}, or leave it out for the one that "
        "the checkpoint was trained with."
    )
    E235 = (
        "'{path}' has no vocabulary for tokenizer = \"{engine}\", which reads spm.model if it is "
        '"sentencepiece" and tokenizer.json or vocab.txt if it is "tokenizers". It has: {found}. '
        "Leave the setting out, or copy the file into the folder."
    )
    E236 = (
        "The vocabulary is not one of SentencePiece, so that there is no spm.model. Pretraining "
        "and whatever else needs one takes the spm.model of a checkpoint that has it, or one that "
        "`spacy deberta train-tokenizer` wrote."
    )
    E237 = (
        "The vocabulary has no pieces for bytes, so that characters without a piece can't be "
        "spelled. Leave out 'unknown_characters', or set it to 'unk'."
    )
    E245 = (
        "{what} can't have is_split_into_words = true, in its own settings or in those of a shared "
        "encoder: it also encodes strings that have no tokens, such as questions or labels. The "
        "setting is for 'deberta_sequence_classifier', 'deberta_token_classifier' and listeners. "
        "Leave it out, or use another encoder."
    )
