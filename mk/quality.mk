# How good forecasts of public series are; docs/FORECASTING.md has the table. By hand: minutes, and
# 600 MB of packages from PyPI.
.PHONY: quality
quality: test-packages all ## forecast public series beside others (DATA=FOLDER of further ones; TABLE=blend.py: mixed)
	$(call packages,python3-venv)
	@tests/quality/run.sh $(BUILD) $(TABLE) $(if $(DATA),--data $(DATA))
