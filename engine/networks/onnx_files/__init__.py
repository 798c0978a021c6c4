"""Networks in the ONNX format, read as Keras networks and written from them."""
