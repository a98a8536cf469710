"""Messages of the encoder and its heads (`spacy_deberta.nn`): E1xx."""


class EncoderErrors:
    """Messages of exceptions, by their codes."""

    E101 = (
        "This configuration describes a '{model_type}' model, but the encoder is of the family "
        "'deberta-v2' (DeBERTa-v2, DeBERTa-v3 and mDeBERTa). {hint}"
    )
    E102 = (
        "The configuration's '{field}' is {value}, which has to be {expected}. Correct it in the "
        "config.json, the config or the call that it comes from."
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
    E122 = (
        "The attention kernel 'triton' can't be used: {reason}. It takes a CUDA device and "
        "`pip install spacy-deberta[triton]`; everywhere else choose 'attention = \"auto\"'."
    )
    E123 = (
        "The attention kernel 'triton' has no version for heads of {head_dim} in {dtype}, but only "
        "for heads of 32, 64 or 128 in float16, bfloat16 or float32. Choose "
        "'attention = \"auto\"'."
    )
    E124 = (
        "Weights of 8 bits are for prediction on the CPU, and this model is on '{device}'. Set "
        '`precision` to "auto", or move the model to the CPU.'
    )
    E125 = (
        "A weight of this model is infinite or not a number, so that no weights of 8 bits can be "
        "made of it. Its training has diverged, or its file is damaged: load an earlier save."
    )
    E126 = (
        "New weights of this config take {needed:.0f} GiB ({parameters} parameters), and this "
        "machine has {available:.0f} GiB of memory. Choose smaller sizes, such as 'hidden_size', "
        "'num_hidden_layers', 'vocab_size' or 'num_labels'."
    )
    E127 = (
        "Two labels of '{source}' have the same name, '{label}', so that the score of one of them "
        "would be lost. Give every label a name of its own: in 'id2label' of the checkpoint's "
        "config.json, or in the labels that the component is initialized with."
    )
