# The daemon: each folder of server/ is a layer, and an archive, linked with those below it.
LAYERS_base     := base
LAYERS_config   := config base
LAYERS_commands := commands service store webhook cluster secure config base
LAYERS_confine  := confine config base
LAYERS_secure   := secure config base
LAYERS_store    := store config base
LAYERS_webhook  := webhook base
LAYERS_cluster  := cluster secure config base
LAYERS_service  := service store webhook cluster secure config base
LAYERS_codec    := codec service store webhook cluster secure config base
LAYERS_http     := http codec service store webhook cluster secure config base
SERVER_LAYERS   := commands http codec service store cluster secure webhook confine config base

# The foreign library that a layer hides.
LIBS_base    := -lxxhash -lz $(BLAS) -lpthread -lm
LIBS_confine := -lseccomp
LIBS_store   := -lsqlite3
LIBS_secure  := -lgnutls
LIBS_webhook := -lcurl-gnutls
LIBS_cluster := -lhiredis
LIBS_codec   := -lcjson
LIBS_http    := -lmicrohttpd

# $(call archives,LAYER...), $(call libraries_of,LAYER...): what a program of these is linked with.
archives     = $(1:%=$(BUILD)/%.a) $(GRU)
libraries_of = $(foreach l,$(filter-out base,$(1)) base,$(LIBS_$(l)))

$(BUILD)/server/%.o: server/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(COMPILE) -DGRUD_COMMIT='"$(COMMIT)"' -Iserver -Ilib -c $< -o $@

# A step's checksums take half the time with AVX2.
ifeq ($(ARCH),x86_64)
$(BUILD)/server/base/digest_avx2.o: OWN_CFLAGS += -mavx2
endif

SERVER_SOURCES := $(wildcard server/*.c server/*/*.c server/*/*/*.c)
SERVER_OBJECTS := $(SERVER_SOURCES:%.c=$(BUILD)/%.o)
define server_layer
$(BUILD)/$(1).a: $(filter $(BUILD)/server/$(1)/%,$(SERVER_OBJECTS))
	@rm -f $$@
	$$(call say,AR,$$@)
	$$(Q)$$(AR) rcs $$@ $$^
endef
$(foreach l,$(SERVER_LAYERS),$(eval $(call server_layer,$(l))))

$(BUILD)/grud: $(BUILD)/server/main.o $(call archives,$(SERVER_LAYERS))
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^ $(call libraries_of,$(SERVER_LAYERS))

.PHONY: run
run: build-packages ## build, start grud on 127.0.0.1:8080, feed it this machine's load and recorded temperatures
	$(call packages,$(RUN_PACKAGES))
	@$(MAKE) --no-print-directory $(ALL_PROCESSORS) all
	@env GRUD=$(BUILD)/grud examples/run.sh

.PHONY: demo-model
demo-model: all ## train the model of recorded temperatures that the demo shows, with grud itself
	@GRUD=$(BUILD)/grud examples/temperature/train.py
