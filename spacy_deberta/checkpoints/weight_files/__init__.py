"""Files of weights as tensors: safetensors, `.bin` of PyTorch, `.h5` of Keras."""
