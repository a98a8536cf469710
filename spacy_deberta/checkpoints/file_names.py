"""What the files of a checkpoint are called."""

from .layouts import huggingface, microsoft, tensorflow

CONFIG_FILE = "config.json"
SAFETENSORS_FILE = "model.safetensors"
SAFETENSORS_INDEX_FILE = "model.safetensors.index.json"
PYTORCH_FILE = "pytorch_model.bin"
PYTORCH_INDEX_FILE = "pytorch_model.bin.index.json"
MICROSOFT_CONFIG_FILE = "model_config.json"
MICROSOFT_FILE = "pytorch.model.bin"
TENSORFLOW_FILE = "tf_model.h5"
TENSORFLOW_INDEX_FILE = "tf_model.h5.index.json"

CONFIG_FILES = (CONFIG_FILE, MICROSOFT_CONFIG_FILE)

# In the order of preference: safetensors are mapped instead of read, and hold no code.
WEIGHTS_FILES = {
    SAFETENSORS_FILE: huggingface.LAYOUT,
    SAFETENSORS_INDEX_FILE: huggingface.LAYOUT,
    PYTORCH_FILE: huggingface.LAYOUT,
    PYTORCH_INDEX_FILE: huggingface.LAYOUT,
    MICROSOFT_FILE: microsoft.LAYOUT,
    TENSORFLOW_FILE: tensorflow.LAYOUT,
    TENSORFLOW_INDEX_FILE: tensorflow.LAYOUT,
}
