"""Messages of checkpoints (`spacy_deberta.checkpoints`): E3xx."""


class CheckpointErrors:
    """Messages of exceptions, by their codes."""

    E301 = (
        "There is no folder '{path}'. Give the path of an existing folder with config.json, "
        "weights and spm.model or tokenizer.json, or a name on the Hugging Face hub such as "
        "'microsoft/deberta-v3-base'."
    )
    E302 = (
        "'{name}' (revision '{revision}') is neither a folder here nor to be had from the Hugging "
        "Face hub. {hint}Check the spelling; for a private or gated repository, log in with "
        "`hf auth login`. The hub said: {error}"
    )
    E303 = (
        "'{name}' is no folder here, its {file} is not in the local cache, and the Hugging Face "
        "hub can't be reached: {error}. {hint}Go online once to fetch it, or copy the checkpoint's "
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
    E306 = "The checkpoint '{source}' lacks parameters of the model: {keys}. {hint}"
    E307 = "The checkpoint '{source}' does not fit its config: {shapes}. {hint}"
    E308 = (
        "The config {path} can't be read: {error}. Copy it again from where the checkpoint comes "
        "from."
    )
    E309 = (
        "The checkpoint '{name}' has no vocabulary (spm.model, tokenizer.json or vocab.txt), so "
        "texts can't be split into pieces. Copy that which it was trained with into its folder."
    )
    E310 = (
        "The vocabulary has ids for {pieces} pieces, but the encoder has only {rows} embeddings: "
        "ids from {rows} on have none. Use the vocabulary that belongs to the checkpoint, or set "
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
    E319 = (
        "The mask '{mask}' has the id {id}, but the encoder has only {rows} embeddings, so that it "
        "can't be given masks: neither to fill them nor to be pretrained. Everything else works. "
        "Use a checkpoint whose embeddings have at least {id} + 1 rows, such as the official ones."
    )
    E320 = (
        "'{name}' is no whole checkpoint, but an adapter of PEFT ({file}), such as LoRA, to be put "
        "on {base}. Load both with the package peft, write a whole checkpoint with "
        "`model.merge_and_unload().save_pretrained(FOLDER)` and "
        "`tokenizer.save_pretrained(FOLDER)`, and give that folder."
    )
    E326 = "{path} is {found}, not the file itself. To get the file, {remedy}."
    E327 = (
        "The weights file {path} has {found} under the name '{key}'; parameters are dense tensors "
        "of plain numbers. Save the state dict of a model that is on the CPU or a GPU, neither "
        "quantized nor sparse."
    )
    E328 = (
        "Parameters of '{source}' are not finite: {keys}. They were damaged, or their training "
        "diverged, and whatever is computed from them is not a number. Use an earlier checkpoint, "
        "or fetch the file again. With 'allow_non_finite = true' they are loaded all the same."
    )
    E329 = (
        "Somebody wrote into {path} while its weights were in use, so that they are neither the "
        "old nor the new ones. Load it again. To replace weights under a running process, write "
        "the new file beside the old one and rename it; 'map_weights = false' reads weights into "
        "memory when they are loaded."
    )
    E330 = (
        "The weights file {path} has {size} bytes, and says that it holds {needed}. PyTorch and "
        "Keras write weights without compression: write the file again with one of them, unless "
        "you don't know where it comes from."
    )
    E340 = (
        "A save to '{folder}' was interrupted while its files moved, and it can't be finished: "
        "{error}. Load the folder once with the right to write to it, and with room on its disk: "
        "all files are there, in its hidden folder '.saving-…'."
    )
    E341 = (
        "The journal of an interrupted save, '{path}', can't be followed: {error}. Remove its "
        "folder, and copy the folder around it again from where it comes from."
    )
    E342 = (
        "The weights file '{path}' can't be written: {error}. Make room on the disk, or give "
        "another folder. What was saved before is still there."
    )
    E343 = (
        "An interrupted save of the pipeline '{path}' was found and has just been finished, when a "
        "part of it was read already. Load it again: it is complete now."
    )
    E350 = (
        "The word embeddings can't be resized to {count} rows: the row of the padding has to stay. "
        "Choose at least {least}."
    )
