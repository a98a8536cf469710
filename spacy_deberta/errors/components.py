"""Messages of components with a head, and of their data: E6xx."""


class ComponentErrors:
    """Messages of exceptions, by their codes."""

    E601 = (
        "The component '{component}' has no encoder to share: its 'shared_encoder' is '{owner}'. "
        "It has to be the name of a component before it in the pipeline, with the factory "
        "'deberta' or one of 'deberta_…', not the stock 'transformer'; such are: {found}. Set "
        "'shared_encoder' in [components.{component}.model], or enable '{owner}'."
    )
    E602 = (
        "'{source}' has no head for {head}; it has: {found}. Set 'name' in "
        "[components.{component}.model] to {wanted}, or {way} to train a new head."
    )
    E603 = (
        "The head of '{source}' does not have the labels {unknown}; it has: {known}. Rename the "
        "labels of the data, or set 'new_head = true' in [initialize.components.{component}] to "
        "train a new head on them."
    )
    E604 = (
        "The shared encoder does not fit this head: {reason}. Leave out 'shared_encoder', or give "
        "a checkpoint with the same encoder."
    )
    E605 = (
        "The component '{component}' needs a model with the head '{expected}', but its config has "
        "'{found}'. Set 'head' in [components.{component}.model] to '{expected}'."
    )
    E606 = (
        "Labels can't be added to the trained head of '{component}'. Give all of them at "
        "initialization: in the training data, or as 'labels' in "
        "[initialize.components.{component}]."
    )
    E607 = (
        "'doc._.{name}' calls a component of the pipeline that made the document, but that "
        "pipeline has no such component{named}. Add it with `nlp.add_pipe`, and make the document "
        "with that `nlp`."
    )
    E608 = (
        "The pipeline has several components for 'doc._.{name}': {components}. Name one of them: "
        'component="…".'
    )
    E610 = (
        "The component '{component}' expects exactly one label of each text, but one has {count}: "
        "{cats}. Correct the data, or set 'problem_type' to \"multi_label_classification\" or "
        '"regression" in [components.{component}].'
    )
    E620 = (
        "The component '{component}' needs the label of an NLI checkpoint for {wanted}, but "
        "{reason}; its labels are: {found}. Set '{wanted}_label' in [components.{component}] to "
        "one of them, or give a checkpoint that was trained on natural language inference (NLI), "
        "such as 'MoritzLaurer/DeBERTa-v3-base-mnli-fever-anli'."
    )
    E621 = (
        "'hypothesis_template' has to contain '{{}}' exactly once, as the placeholder of the "
        "label, for example 'This example is {{}}.'; it is '{template}'."
    )
    E622 = (
        "There are no candidate labels. Give some: 'labels' in the config, `component.labels = "
        "[...]`, or training data whose `doc.cats` name them."
    )
    E623 = (
        "The hypothesis of the label '{label}' has {length} pieces, which leaves no room for the "
        "text in sequences of {max_length}. Shorten the label or 'hypothesis_template', or set a "
        "higher 'max_length'."
    )
    E624 = (
        "'{name}' has to be a list of strings, but is {found}. A list of one string needs "
        'brackets, too: ["…"].'
    )
    E625 = (
        "'{name}' has the label '{label}' twice. Each label has one score: remove the duplicate, "
        "or rename it."
    )
    E626 = (
        "The component '{component}' takes a list of documents, but was given {found}. Make "
        "documents of texts with `nlp.make_doc(text)`; a single one needs brackets, too: [doc]."
    )
    E627 = (
        "'{name}' has the label {label!r}, which names nothing. Give every label a name, or leave "
        "this one out."
    )
    E628 = (
        "There are {docs} documents, but lists of questions for {questions}. Give one list of "
        'questions for each document: [["…"], ["…", "…"]].'
    )
    E630 = (
        "The head {reason}, so its labels can't be decoded to spans: {labels}. Spans need 'O' for "
        "tokens outside of them, and labels in BIO, BIOES, BILUO or without prefix. Rename them in "
        "'id2label' of the checkpoint's config.json, set 'new_head = true' in "
        "[initialize.components.{component}], or 'annotate = \"tag\"' if they are tags."
    )
    E631 = (
        "The spans {first} and {second} of 'doc.spans[\"{key}\"]' overlap, which one label for "
        "each token can't encode. Remove one of them, for example with `spacy.util.filter_spans`, "
        "or train a `spancat`."
    )
    E632 = (
        "The head has no label for {missing}; it has: {labels}. Correct the data, or set 'new_head "
        "= true' in [initialize.components.{component}] to train a new head on them."
    )
    E640 = (
        "The question '{question}' has {length} pieces, which leaves no room for the text: a "
        "sequence has at most {max_length}, {special} special tokens included. Shorten the "
        "question, or set a higher 'max_length' in [components.{component}]."
    )
    E641 = (
        "The question '{question}' of the training data has no answer, which the component "
        "'{component}' can't learn: set 'no_answer = true' in [components.{component}], or leave "
        "such questions out."
    )
    E642 = (
        "The question '{question}' can't be used: {reason}. 'doc._.questions' takes a list of "
        '{{"id": "…", "question": "…", "answers": [{{"text": "…", "start": 0}}]}}, where "start" '
        "is the character offset of an answer in the text."
    )
    E643 = (
        "'{path}' can't be read as SQuAD's JSON: {reason}. Give the path of a .json file, or of a "
        "folder with such files."
    )
    E644 = (
        "'{path}' is not in SQuAD's format: {place} has to be of type {kind}, but is {found}. An "
        "article has 'paragraphs', each of them 'context' and 'qas', each of these 'id', "
        "'question' and 'answers' with 'text' and 'answer_start'."
    )
    E645 = "'{path}' has an empty context: {place}. Remove this paragraph."
    E646 = (
        "'{path}' has the id '{id}' twice, at {place} and at {other}. Question ids have to be "
        "unique: rename one, or remove the duplicate."
    )
    E647 = (
        "{question!r} is not a question: a question is a string. Give one, or a list of them, to "
        "'doc._.answer'."
    )
    E650 = (
        "The choice '{choice}' has {length} pieces, which leaves no room for the text: a sequence "
        "has at most {max_length}, {special} special tokens included. Shorten it, or set a higher "
        "'max_length' in [components.{component}]."
    )
    E651 = (
        "Invalid choices {choices}: they have to be a list of at least one string. 'doc._.choices' "
        "may be None, its default, for a text that is not a question."
    )
    E652 = (
        "'doc._.right_choice' is {right}, but has to be the index of one of the choices, from 0 to "
        "{last}, or None if the right one is not known. The choices are: {choices}."
    )
    E653 = (
        "Choice {index}, counted from 0, is {choice!r}, but has to be a non-empty string. The "
        "choices are: {choices}."
    )
    E654 = (
        "'{path}' can't be read as questions with choices: {reason}. Give the path of a .tsv or "
        ".jsonl file with one question for each line, in UTF-8."
    )
    E655 = (
        "{place}: this line is not a question with choices: {reason}. TSV has the columns set by "
        "the reader's 'question_column', 'choice_columns' and 'answer_column'; JSONL has "
        '{{"question": "…", "choices": ["…", "…"], "answer": 0}}.'
    )
    E656 = (
        "{place}: the answer is {answer!r}, but has to be the index of one of the choices, from 0 "
        "to {last}; in JSONL also the text of exactly one of them, or null if it is not known."
    )
    E661 = (
        "The document '{text}' has no vectors of 'deberta_vectors'. Add the component to the "
        "pipeline that made it, and read a DocBin that was written with store_user_data=True."
    )
    E662 = (
        "Vectors of {one} and {two} numbers can't be compared. Use documents of the same component "
        "'deberta_vectors'."
    )
    E663 = (
        "'doc._.text_pair' is {found}, but has to be None or a dictionary with 'text', a string, "
        "and 'score', a number from 0 to 1."
    )
    E664 = (
        "{place}: no pairs of texts can be read: {reason}. The reader's 'first', 'second' and "
        "'score' name the fields; without a header, these are the columns in their order."
    )
    E665 = (
        "The component '{component}' can't be trained on pairs of texts, because it listens to a "
        "shared encoder, which encodes only the first text of each. Give it an encoder of its own, "
        "'spacy-deberta.DocumentEncoder.v1', or call `nlp.replace_listeners`."
    )
