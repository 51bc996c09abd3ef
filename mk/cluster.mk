# The functions that the engine of a cluster has of grud: the texts of library/ become one string
# in the binary.
LIBRARY_FILES := $(sort $(wildcard server/cluster/library/*.lua))

$(BUILD)/cluster/cluster_library.c: $(LIBRARY_FILES) mk/cluster.mk
	@mkdir -p $(@D)
	$(call say,LUA,$@)
	$(Q){ echo '/* Written by mk/cluster.mk. */'; echo '#include "cluster/cluster_library.h"'; \
	  echo 'const char cluster_library_text[] ='; \
	  sed 's/[\\"]/\\&/g; s/.*/    "&\\n"/' $(LIBRARY_FILES); echo '    ;'; \
	  echo 'const size_t cluster_library_n = sizeof cluster_library_text - 1;'; } >$@

$(BUILD)/server/cluster/cluster_library.o: $(BUILD)/cluster/cluster_library.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(COMPILE) -Iserver -Ilib -c $< -o $@

$(BUILD)/cluster.a: $(BUILD)/server/cluster/cluster_library.o

.PHONY: proxies-test
# By hand: nginx and HAProxy come as packages, which may start them.
proxies-test: test-packages all ## run the proxies of config/cluster before three nodes, and end nodes
	$(call packages,haproxy nginx-light)
	@GRUD=$(BUILD)/grud tests/proxies/run.sh
