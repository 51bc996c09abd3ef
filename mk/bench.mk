# Measuring: two things side by side in one run, as ratios; docs/PERFORMANCE.md has the figures.
BENCH_SERVED   := $(addprefix $(BUILD)/bench/,bare_responder load_generator stream_listeners \
  library_step health_probe)
BENCH_PROGRAMS := $(BENCH_SERVED) \
  $(addprefix $(BUILD)/bench/,bench_kernels bench_train bench_json bench_sessions \
  bench_explain)

$(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(GRU)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $(filter %.o,$^) $(filter-out $(GRU),$(filter %.a,$^)) $(GRU) \
	  $(BENCH_LIBS) -lm -lpthread

$(BUILD)/bench/bench_json: BENCH_LIBS := -lcjson
$(BUILD)/bench/bare_responder: BENCH_LIBS := -lmicrohttpd
$(BUILD)/bench/bench_kernels $(BUILD)/bench/bench_train: BENCH_LIBS := $(BLAS)
$(BUILD)/bench/bench_explain: BENCH_LIBS := $(BLAS)
$(BUILD)/bench/bench_kernels $(BUILD)/bench/bench_train: $(BUILD)/tests/bench/openblas_choice.o
$(BUILD)/bench/load_generator: $(BUILD)/tests/bench/processor_time.o
$(BUILD)/bench/bench_sessions: BENCH_LIBS = $(call libraries_of,$(LAYERS_service))
$(BUILD)/bench/bench_sessions: $(call archives,$(LAYERS_service))
$(BUILD)/bench/bench_cluster: BENCH_LIBS = $(call libraries_of,$(LAYERS_cluster))
$(BUILD)/bench/bench_cluster: $(BUILD)/tests/bench/processor_time.o $(call archives,$(LAYERS_cluster))

# OPENBLAS_CORETYPE may be set for other reasons, and would slow our opponent down.
ALONE := env -u OPENBLAS_CORETYPE OPENBLAS_NUM_THREADS=1 \
         $(if $(shell command -v taskset),taskset -c 0)

.PHONY: bench bench-cluster bench-evaluate bench-instructions bench-health bench-listeners bench-peers
bench: bench-packages all $(BENCH_PROGRAMS) ## measure, side by side, as ratios
	@$(ALONE) $(BUILD)/bench/bench_kernels
	@$(ALONE) $(BUILD)/bench/bench_train
	@$(ALONE) $(BUILD)/bench/bench_json
	@$(ALONE) $(BUILD)/bench/bench_explain
	@BUILD=$(BUILD) tests/bench/bench_http.sh
	@BUILD=$(BUILD) tests/bench/bench_overload.sh
	@BUILD=$(BUILD) tests/bench/bench_sessions.sh
	@BUILD=$(BUILD) tests/bench/bench_training.sh

bench-evaluate: bench-packages all ## processor time of back-tests beside that of predictions
	$(call packages,curl)
	@BUILD=$(BUILD) tests/bench/bench_evaluate.sh

bench-cluster: bench-packages $(BUILD)/bench/bench_cluster ## processor time of a record in a cluster: the engine's and the node's
	$(call packages,redis-tools)
	@BUILD=$(BUILD) tests/bench/bench_cluster.sh

bench-instructions: bench-packages all $(BENCH_SERVED) ## count the instructions of a step (GRUD=path: of another binary)
	$(call packages,valgrind)
	@BUILD=$(BUILD) tests/bench/bench_instructions.sh

# By hand: a minute and 600 MB of disk.
bench-health: bench-packages all $(BUILD)/bench/health_probe $(BUILD)/tests/held_disk.so ## the worst of /healthz while clients ask for all they may and the disk is slow
	$(call packages,curl)
	@BUILD=$(BUILD) tests/bench/bench_health.sh $(SESSIONS)

bench-listeners: bench-packages all $(BENCH_SERVED) ## what a thousand listeners cost those who stream
	$(call packages,curl)
	@BUILD=$(BUILD) tests/bench/bench_listeners.sh

bench-peers: bench-packages all $(BUILD)/bench/bench_train ## the same beside ONNX Runtime, OpenVINO, JAX, PyTorch
	$(call packages,python3-venv)
	@tests/bench/peers.sh build/peers
	@$(ALONE) build/peers/bin/python tests/bench/bench_peers.py --lib $(BUILD)/libgru.so
	@$(ALONE) build/peers/bin/python tests/bench/bench_train_peers.py \
	  --bench $(BUILD)/bench/bench_train
