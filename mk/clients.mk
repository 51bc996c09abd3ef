# Clients in other languages.
PYTHON ?= python3

.PHONY: python-client-test python-client-run js-client-test js-client-run
python-client-test: test-packages all python-client-run ## run the tests of the Python client against the daemon

python-client-run: | $(BUILD)/grud
	@cd clients/python && GRUD=$(abspath $(BUILD)/grud) PYTHONDONTWRITEBYTECODE=1 \
	  $(PYTHON) -m unittest discover -t . -s tests

js-client-test: test-packages all js-client-run ## run the tests of the JavaScript client against the daemon
	@clients/js/tests/types.sh

js-client-run: | $(BUILD)/grud
	@GRUD=$(abspath $(BUILD)/grud) clients/js/tests/run.sh
