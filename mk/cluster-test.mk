# A cluster in trouble, for SECONDS (mk/fuzz.mk).
AWAY    ?= 30

.PHONY: cluster-test bench-cluster-http
cluster-test: test-packages all ## kill, hold and cut nodes and the engine of a cluster for SECONDS, then compare all answers with an undisturbed grud's; then kill the nodes of a job; then take the engine AWAY for some (SEED=n: the same again)
	$(call packages,haproxy)
	@GRUD=$(abspath $(BUILD)/grud) python3 -B tests/chaos/chaos.py --seconds $(SECONDS) \
	  --away $(AWAY) $(if $(SEED),--seed $(SEED))

bench-cluster-http: bench-packages all $(BUILD)/bench/load_generator ## processor time of a step on a node of a cluster beside one alone, and in the engine (SYNC=everysec)
	$(call packages,redis-server)
	@BUILD=$(BUILD) tests/bench/bench_cluster_http.sh
