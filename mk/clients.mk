# Clients in other languages.
PYTHON ?= python3

.PHONY: python-client-test python-client-run js-client-test js-client-run \
        pytorch-example
python-client-test: test-packages all python-client-run ## run the tests of the Python client against the daemon

python-client-run: | $(BUILD)/grud
	@cd clients/python && GRUD=$(abspath $(BUILD)/grud) PYTHONDONTWRITEBYTECODE=1 \
	  $(PYTHON) -m unittest discover -t . -s tests

js-client-test: test-packages all js-client-run ## run the tests of the JavaScript client against the daemon
	@clients/js/tests/types.sh

js-client-run: | $(BUILD)/grud
	@GRUD=$(abspath $(BUILD)/grud) clients/js/tests/run.sh

# By hand: PyTorch is large. The tests run it where it is there already.
pytorch-example: test-packages all ## install Debian's PyTorch, and run examples/pytorch with it
	$(call packages,python3-torch python3-venv)
	@GRUD=$(BUILD)/grud examples/pytorch/run.sh
