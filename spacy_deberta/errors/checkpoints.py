"""Messages of checkpoints (`spacy_deberta.checkpoints`): E3xx."""


class CheckpointErrors:
    """Messages of exceptions, by their codes."""

    E301 = (
        "There is no folder '{path}'. {hint}Give the path of an existing folder with config.json, "
        "weights and spm.model or tokenizer.json, or a name on the Hugging Face hub such as "
        "'microsoft/deberta-v3-base'."
    )
    E302 = (
        "'{name}' (revision '{revision}') is neither a local folder nor available on the Hugging "
        "Face hub. {hint}Check the spelling; for a private or gated repository, log in with `hf "
        "auth login`. The hub said: {error}"
    )
    E303 = (
        "'{name}' is not a local folder, its {file} is not in the local cache, and the Hugging "
        "Face hub can't be reached: {error}. {hint}Go online once to download it, or copy the "
        "checkpoint's folder to this machine and give its path instead of the name."
    )
    E304 = (
        "The checkpoint '{name}' has no {file}. If this is your own folder, copy the file into it; "
        "on the hub, check whether another revision has it."
    )
    E305 = (
        "The weights file {path} can't be read: {error}. If it was saved otherwise, it is "
        "damaged or incomplete: copy or download it again."
    )
    E306 = "The checkpoint '{source}' lacks parameters of the model: {keys}. {hint}"
    E307 = "The checkpoint '{source}' does not fit its config: {shapes}. {hint}"
    E308 = (
        "The config {path} can't be read: {error}. Copy it again from the source of the checkpoint."
    )
    E309 = (
        "The checkpoint '{name}' has no vocabulary (spm.model, tokenizer.json or vocab.txt), so "
        "texts can't be split into pieces. Copy that which it was trained with into its folder."
    )
    E310 = (
        "The vocabulary has ids for {pieces} pieces, but the encoder has only {rows} embeddings, "
        "none for ids from {rows} on. Use the vocabulary that belongs to the checkpoint, or set "
        "'vocab_size' to at least {pieces} for a model from scratch."
    )
    E311 = "Unknown storage precision '{precision}'. Use one of: {known}."
    E312 = (
        "A checkpoint can't be saved to '{path}': {error}. Give the path of a folder; it is "
        "created if it is missing."
    )
    E313 = "'config_overrides' has unknown fields: {unknown}. Use the fields of DebertaV2Config."
    E314 = (
        "'{file}' of '{name}' can't be downloaded: {error}. Check the connection, and the free "
        "space and permissions of the cache folder, and try again: complete files are not "
        "downloaded again."
    )
    E315 = (
        "TensorFlow weights (.h5) need the package h5py, which is not installed: `pip install "
        "'spacy-deberta[tf]'`."
    )
    E316 = (
        "The checkpoint '{source}' is a DeBERTa-v1: it has '{key}'. Its attention and byte-level "
        "vocabulary are not those of v2 and v3. Use a checkpoint named deberta-v2-*, deberta-v3-* "
        "or mdeberta-v3-*."
    )
    E317 = (
        "TensorFlow's classes do not support this model: {reason}. Convert it to 'huggingface' or "
        "'spacy' instead."
    )
    E318 = (
        "'{path}' exists and is not an empty folder, and a conversion overwrites nothing. Give the "
        "path of a new folder, or empty this one."
    )
    E319 = (
        "The mask '{mask}' has the id {id}, but the encoder has only {rows} embeddings, so it "
        "can't encode masks: filling masks and pretraining are impossible. Everything else works. "
        "Use a checkpoint whose embeddings have at least {id} + 1 rows, such as the official ones."
    )
    E320 = (
        "'{name}' is an adapter ({kind}) for {base}, which can't be merged here: only LoRA can. "
        "Load both with the library that made it, write a complete checkpoint, with PEFT by "
        "`model.merge_and_unload().save_pretrained(FOLDER)` and "
        "`tokenizer.save_pretrained(FOLDER)`, and give that folder."
    )
    E326 = "{path} is {found}, not the file itself. To get the file, {remedy}."
    E327 = (
        "The weights file {path} has {found} under the name '{key}'; parameters have to be dense "
        "tensors of plain numbers. Save the state dict of a model on the CPU or a GPU that is "
        "neither quantized nor sparse."
    )
    E328 = (
        "Parameters of '{source}' are not finite: {keys}. The file is damaged, or the training "
        "diverged, and all outputs would be NaN. Use an earlier checkpoint, or download the file "
        "again. With 'allow_non_finite = true' they are loaded anyway."
    )
    E329 = (
        "The file {path} was modified while its weights were in use, so they are a mixture of old "
        "and new. Load it again. To replace weights under a running process, write the new file "
        "beside the old one and rename it; 'map_weights = false' reads weights into memory when "
        "they are loaded."
    )
    E330 = (
        "The weights file {path} has {size} bytes, but declares {needed} bytes of content. PyTorch "
        "and Keras write weights without compression: write the file again with one of them, if "
        "you trust its source."
    )
    E331 = (
        "'{name}' is an adapter for {base}, which can't be found: {error} Give its folder or its "
        "name on the hub as 'base'."
    )
    E332 = (
        "The config of an adapter, {path}, can't be read: {error}. Copy it again from the source "
        "of the adapter."
    )
    E333 = (
        "The adapter '{name}' does not fit its base '{base}': {reason}. Give the checkpoint that "
        "it was made for as 'base'."
    )
    E334 = (
        "'{base}', the base of the adapter '{name}', is an adapter too. Write it as a complete "
        "checkpoint with `spacy deberta convert --to huggingface`, and give that folder as 'base'."
    )
    E335 = (
        "'{name}' has no adapter_config.json, so there is nothing to merge into 'base' ('{base}'). "
        "Leave out 'base', or give the folder of the adapter."
    )
    E336 = (
        "'{subfolder}' can't be a 'subfolder'. Give names of folders within the repository, with "
        "'/' between them, such as 'tagger' or 'models/small'."
    )
    E337 = (
        "'{name}' has weights for {library} only ({file}), which can't be read here. Use the "
        "repository that it was exported from, which its model card names, or one with "
        "model.safetensors or pytorch_model.bin."
    )
    E338 = (
        "'{name}' is a GLiNER ({file}): its encoder lies within another model, and can't be used "
        "without it. Use it with the component 'deberta_gliner', or start from the encoder that "
        "'model_name' in that file names."
    )
    E339 = (
        "The weights of '{source}' have no encoder, but only: {keys}. They are a part of a model, "
        "such as an adapter or a head. Use the complete checkpoint, which has parameters such as "
        "'deberta.encoder.layer.0.output.dense.weight'."
    )
    E340 = (
        "A save to '{folder}' was interrupted while moving files, and it can't be finished: "
        "{error}. Load the folder once with permission to write to it and free space on its disk: "
        "all files are in its hidden folder '.saving-…'."
    )
    E341 = (
        "The journal of an interrupted save, '{path}', is invalid: {error}. Remove its folder, and "
        "copy the folder around it again from its source."
    )
    E342 = (
        "The weights file '{path}' can't be written: {error}. Free space on the disk, or give "
        "another folder. The previous save is unchanged."
    )
    E343 = (
        "An interrupted save of the pipeline '{path}' was finished while it was being loaded. Load "
        "it again: it is complete now."
    )
    E344 = (
        "'{name}' has the vocabulary of the first DeBERTa (vocab.json and merges.txt), whose bytes "
        "and weights are not those of v2 and v3. Use a checkpoint named deberta-v2-*, "
        "deberta-v3-* or mdeberta-v3-*."
    )
    E346 = (
        "The adapter's file {path} has no LoRA, which is a pair such as "
        "'….query_proj.lora_A.weight' and '….query_proj.lora_B.weight'. It has: {found}. "
        "Save the adapter again with PEFT's `save_pretrained`, or copy it again from its source."
    )
    E350 = (
        "The word embeddings can't be resized to {count} rows: the row of the padding has to stay. "
        "Choose at least {least}."
    )
