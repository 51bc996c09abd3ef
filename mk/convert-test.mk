# grud-convert against the frameworks whose models it converts.
.PHONY: convert-test
convert-test: test-packages all ## convert models of PyTorch, Keras and ONNX, and compare what they give
	-$(call packages,python3-torch python3-venv)
	@tests/convert/run.sh $(BUILD)
