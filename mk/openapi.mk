# The running daemon against its OpenAPI document.
.PHONY: openapi-test
openapi-test: test-packages all ## compare the running daemon with its OpenAPI document, by schemathesis from PyPI
	$(call packages,python3-venv)
	@tests/openapi/run.sh $(BUILD)
