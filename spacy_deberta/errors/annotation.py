"""Messages of bulk annotation (`spacy_deberta.annotation`): E801 to E829."""


class AnnotationErrors:
    """Messages of exceptions, by their codes."""

    E801 = (
        "There are no texts in '{path}': {reason}. Give files, folders or patterns such as "
        "'data/*.jsonl'; a pattern in quotes is not expanded by the shell."
    )
    E802 = (
        "Texts can't be read from '{path}': its suffix is unknown. Known: {known}, those of lines "
        "also compressed with .gz, .bz2 or .xz."
    )
    E803 = (
        "The package pyarrow, which is needed to {what}, is not installed: `pip install "
        "'spacy-deberta[annotate]'`. Other formats do without it."
    )
    E804 = (
        "The first line of '{path}' names the column '{column}' twice. Rename one of them; the "
        "same command then continues with '--overwrite'."
    )
    E805 = "'--fields' knows no '{name}'. Known: {known}."
    E806 = (
        "The field '{name}' can't be kept, because the output has a column of that name. Rename it "
        "in the input, or use '--id-field' for ids. Names of the output: {reserved}."
    )
    E807 = (
        "The pipeline '{pipeline}' has no component '{name}' to disable. Its components: {known}."
    )
    E808 = "Unknown format '{name}'. Known: {known}."
    E809 = "'{option}' has no meaning with '--format {format}'. Leave it out, or choose another."
    E810 = (
        "The document '{id}' can't be stored: {error}. Something in 'doc.user_data' is "
        "unknown to msgpack: a component has put it there, or it is a column of the input that is "
        "nested too deeply. Give '--disable' the name of the component, leave the column out of "
        "'--keep', or choose another '--format'."
    )
    E811 = (
        "A process of the annotation has ended: {reason}. All parts that are complete are kept, "
        "and the same command continues; with a lower '--workers' or '--batch-size' it needs less "
        "memory."
    )
    E812 = (
        "Another process is writing annotations to '{folder}'. Wait for it, stop it, or give "
        "another folder. The lock of a dead process is released."
    )
    E813 = (
        "'{folder}' has annotations that were made in another way: {differences}. Repeat the "
        "earlier command to continue them, give another folder, or remove them with "
        "'--overwrite'."
    )
    E814 = (
        "'{folder}' has other files, such as '{found}', and no annotations to continue. Give a "
        "new folder, or '--overwrite', which removes files that are named as its parts are."
    )
    E815 = (
        "The manifest '{path}' can't be read: {error}. Restore it, or begin again with "
        "'--overwrite'."
    )
    E816 = "Unknown engine '{name}'. Known: {known}."
    E817 = "'--workers' is '{value}'. Give a number of processes, or 'auto'."
    E818 = (
        "'{option}' has no meaning with '--engine {engine}': it is for the cluster of "
        "'--engine ray'. Leave it out, or choose that engine."
    )
    E819 = (
        "Ray Data, which '--engine ray' needs, can't be imported: {error}. Install it: `pip "
        "install 'spacy-deberta[ray]'`. '--engine local' does without it."
    )
    E820 = (
        "Ray can't be started or found at '{address}': {error}. For one on this machine, leave "
        "'--address' out; for a cluster, `ray status` on this machine has to show it."
    )
    E821 = (
        "Each process of Ray is to reserve {wanted:g} GPUs, and this machine has {found:g}. Lower "
        "'--gpus-per-worker', or give the '--address' of a cluster that has them."
    )
    E822 = (
        "Ray has ended the annotation: {error}. All parts that are complete are kept, and the same "
        "command continues, with this engine or with '--engine local'."
    )
    E825 = (
        "The file '{path}' is in the folder of the output, '{folder}', where '--overwrite' would "
        "remove it. Give the output another folder."
    )
