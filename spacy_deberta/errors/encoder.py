"""Messages of the encoder and its heads (`spacy_deberta.nn`): E1xx."""


class EncoderErrors:
    """Messages of exceptions, by their codes."""

    E101 = (
        "This config is of a '{model_type}' model, but the encoder is of the family 'deberta-v2' "
        "(DeBERTa-v2, DeBERTa-v3 and mDeBERTa). {hint}"
    )
    E102 = (
        "The config's '{field}' is {value}, but has to be {expected}. Correct it in the "
        "config.json, the spaCy config or the call that sets it."
    )
    E103 = (
        "{heads} attention heads of size {head_size} have a width of {width}, but 'hidden_size' is "
        "{hidden_size}. Choose 'num_attention_heads' so that it divides 'hidden_size', and leave "
        "'attention_head_size' out or set it to their quotient."
    )
    E104 = (
        "Unknown {field} '{value}'. Known: {known}. If the checkpoint really was trained with it, "
        "please open an issue."
    )
    E105 = (
        "Invalid convolution with kernel size {kernel_size} and {groups} groups for a hidden size "
        "of {hidden_size}: the kernel size has to be odd, so that there is one row for each piece, "
        "and the number of groups has to divide 'hidden_size'. Correct 'conv_kernel_size' or "
        "'conv_groups'."
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
        "The lengths of the sequences sum to {expected}, but '{name}' has {rows} rows. A packed "
        "tensor has one row for each piece of all sequences, without padding."
    )
    E109 = "Give either 'input_ids' or 'inputs_embeds', not both; given: {given}."
    E110 = (
        "Sequence {index} has padding between its pieces (attention_mask {mask}...). Padding has "
        "to be at the left or at the right of a sequence; remove the masked pieces from it."
    )
    E111 = (
        "'{name}' has the shape {shape}, expected {expected}. Pairwise masks of shape (batch, "
        "length, length) are not supported."
    )
    E112 = "'{name}' contains {value}, but only 0 to {last} exist in this model. {hint}"
    E113 = "There is no attention kernel '{value}' on this machine. Known: {known}."
    E114 = (
        "Can't freeze {layers} layers of a model that has {available}. Choose a number from 0 to "
        "{available}."
    )
    E115 = (
        "'attention_mask' may only contain 0 and 1 (or booleans), but contains {value}. Convert "
        "additive masks to 0 and 1: `(mask == 0).long()`."
    )
    E116 = "The dropout rate {rate!r} has to be a number of at least 0 and below 1."
    E117 = "'{name}' has the shape {shape}, but this head expects {expected}."
    E118 = (
        "Rows {low} to {high} can't be decoded, because the batch has {total} rows. They are "
        "counted from 0, over all packed sequences."
    )
    E119 = (
        "Sequence {index} has no pieces, but this head pools the first piece of every sequence. "
        "Leave empty texts out, or keep the [CLS] piece of each."
    )
    E120 = (
        "The head can't be built from this config: {reason}. Correct it in the config.json or with "
        "'config_overrides'."
    )
    E121 = (
        "{sequences} sequences are not a multiple of {choices}, the number of choices of a "
        "question. Pack all choices of the first question, then those of the second, and so on."
    )
    E122 = (
        "The attention kernels 'triton' and 'bands' can't be used: {reason}. They need a CUDA "
        "device and `pip install spacy-deberta[triton]`; everywhere else choose "
        "'attention = \"auto\"'."
    )
    E123 = (
        "The attention kernel '{kernel}' does not support heads of {head_dim} in {dtype}, only "
        "heads of 32, 64 or 128 in float16, bfloat16 or float32. Choose 'attention = \"auto\"'."
    )
    E124 = (
        "int8 quantization is for inference on the CPU, but this model is on '{device}'. Set "
        '`precision` to "auto", or move the model to the CPU.'
    )
    E125 = (
        "A weight of this model is infinite or NaN, so it can't be quantized to int8. The training "
        "has diverged, or the file is damaged: load an earlier checkpoint."
    )
    E126 = (
        "A new model of this config needs {needed:.0f} GiB ({parameters} parameters), but this "
        "machine has {available:.0f} GiB of memory. Choose smaller sizes, such as 'hidden_size', "
        "'num_hidden_layers', 'vocab_size' or 'num_labels'."
    )
    E128 = (
        "The weights of the encoder are held in {precision}, in which a step of training is mostly "
        "rounded away. Load it with 'load_precision = \"fp32\"' to train it, which still "
        "computes in bf16 with 'precision = \"bf16\"'; or freeze all of it with "
        "'freeze_embeddings' and 'freeze_layers', to train what comes after it."
    )
    E129 = "Unknown load precision '{precision}'. Use one of: {known}."
    E127 = (
        "Two labels of '{source}' have the same name, '{label}', so the score of one of them would "
        "be lost. Give every label a unique name: in 'id2label' of the checkpoint's config.json, "
        "or in the labels that the component is initialized with."
    )
