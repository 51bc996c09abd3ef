# grud: build, test, run. `make help` lists the targets.
VERSION := $(shell sed -n 's/^\#define GRU_VERSION "\(.*\)"/\1/p' lib/gru.h)
COMMIT  := $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)
PREFIX  ?= /usr/local
DESTDIR ?=

# A sanitizer build lives beside the plain one: make test SAN=address (with UBSan), make test SAN=thread.
SAN ?=
BUILD := build$(if $(SAN),/$(SAN))

CC       ?= cc
CSTD     := -std=gnu17
WARN     := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla -Wwrite-strings \
            -Wformat=2 -Wimplicit-fallthrough -Wcast-qual -Wpointer-arith
OPT      := -O2 -g
HARDEN   := -fstack-protector-strong -fPIE
LDHARDEN := -pie -Wl,-z,relro,-z,now
ifeq ($(SAN),address)
OPT      := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else ifeq ($(SAN),thread)
OPT      := -O1 -g -fsanitize=thread
else
HARDEN   += -D_FORTIFY_SOURCE=2
endif
CPPFLAGS += -D_GNU_SOURCE
CFLAGS   += $(CSTD) $(OPT) $(WARN) $(HARDEN) -fvisibility=hidden -MMD -MP
LDFLAGS  += $(OPT) $(LDHARDEN)

# One line per file; V=1 shows the commands.
Q   := $(if $(V),,@)
say  = $(if $(V),,@printf '  %-4s %s\n' $(1) $(2))

# ---- layers: each folder is one archive, linked with those below it ----
LIB_FOLDERS    := json kernels engine
SERVER_LAYERS  := store service codec http
KERNEL_LEVELS  := baseline
ifeq ($(shell uname -m),x86_64)
KERNEL_LEVELS  += avx2 avx512
endif
KFLAGS_baseline :=
KFLAGS_avx2     := -march=x86-64-v3
KFLAGS_avx512   := -march=x86-64-v4 -mprefer-vector-width=512

LIB_SOURCES := $(filter-out lib/kernels/simd.c,$(foreach d,$(LIB_FOLDERS),$(wildcard lib/$(d)/*.c)))
LIB_OBJECTS := $(LIB_SOURCES:%.c=$(BUILD)/%.o) $(KERNEL_LEVELS:%=$(BUILD)/lib/kernels/simd-%.o)
LEAVES      := $(filter-out server/main.c,$(wildcard server/*.c))
LEAF_OBJECTS := $(LEAVES:%.c=$(BUILD)/%.o)
ARCHIVES    := $(foreach l,$(SERVER_LAYERS),$(BUILD)/$(l).a)

LIBS_leaf    := -lxxhash -lpthread -lm
LIBS_codec   := -lcjson
LIBS_http    := -lmicrohttpd

.PHONY: all test run bench bench-peers format tidy layers install clean help deps deps-test deps-peers demo-model
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILD)/grud $(BUILD)/libgru.a $(BUILD)/libgru.so ## build the daemon and the library

# ---- the library ----
$(BUILD)/lib/%.o: lib/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -Ilib -c $< -o $@

# The kernels are one file, compiled once per instruction set. Without -fno-trapping-math and -fno-math-errno no
# compiler vectorises them; unlike -ffast-math, both keep NaN and infinity.
$(BUILD)/lib/kernels/simd-%.o: lib/kernels/simd.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -O3 $(if $(SAN),$(OPT)) $(KFLAGS_$*) -fno-trapping-math -fno-math-errno -Wno-psabi \
	  -DK_LEVEL=$* -fPIC -Ilib -c $< -o $@

$(BUILD)/libgru.a: $(LIB_OBJECTS)
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) rcs $@ $^

$(BUILD)/libgru.so: $(LIB_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(CC) $(filter-out -pie,$(LDFLAGS)) -shared -Wl,-soname,libgru.so.0 -o $@ $^ -lm

# ---- the daemon ----
$(BUILD)/server/%.o: server/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -DGRUD_COMMIT='"$(COMMIT)"' -Iserver -Ilib -c $< -o $@

define server_layer
$(BUILD)/$(1).a: $(patsubst %.c,$(BUILD)/%.o,$(wildcard server/$(1)/*.c))
	@rm -f $$@
	$$(call say,AR,$$@)
	$$(Q)$$(AR) rcs $$@ $$^
endef
$(foreach l,$(SERVER_LAYERS),$(eval $(call server_layer,$(l))))

$(BUILD)/leaves.a: $(LEAF_OBJECTS)
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) rcs $@ $^

$(BUILD)/grud: $(BUILD)/server/main.o $(BUILD)/http.a $(BUILD)/codec.a $(BUILD)/service.a $(BUILD)/store.a $(BUILD)/leaves.a $(BUILD)/libgru.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_http) $(LIBS_codec) $(LIBS_leaf)

# ---- tests: one program per layer, linked with that layer and those below, so a call upward does not link ----
TEST_LIBS := -lcheck -lsubunit -lrt $(LIBS_leaf)
$(BUILD)/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(if $(filter tests/json/% tests/kernels/% tests/engine/%,$<),,-Iserver) -Itests -Ilib -c $< -o $@

define test_program
$(BUILD)/tests/test-$(1): $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/$(1)/*.c)) $(BUILD)/tests/main.o $(2)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(LDFLAGS) -o $$@ $$^ $(3) $$(TEST_LIBS)
endef
$(eval $(call test_program,json,$(BUILD)/libgru.a))
$(eval $(call test_program,kernels,$(BUILD)/libgru.a))
$(eval $(call test_program,engine,$(BUILD)/libgru.a))
$(eval $(call test_program,leaves,$(BUILD)/leaves.a $(BUILD)/libgru.a))
$(eval $(call test_program,store,$(BUILD)/store.a $(BUILD)/leaves.a $(BUILD)/libgru.a))
$(eval $(call test_program,service,$(BUILD)/service.a $(BUILD)/store.a $(BUILD)/leaves.a $(BUILD)/libgru.a))
$(eval $(call test_program,codec,$(BUILD)/codec.a $(BUILD)/service.a $(BUILD)/store.a $(BUILD)/leaves.a $(BUILD)/libgru.a,$(LIBS_codec)))
$(eval $(call test_program,e2e,$(BUILD)/grud $(BUILD)/libgru.a,$(LIBS_codec)))

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
