# grud: build, test, run. `make help` lists the targets; each section of this file is one in mk/.
VERSION := $(shell sed -n 's/^\#define GRU_VERSION "\(.*\)"/\1/p' lib/gru.h)
COMMIT  := $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)
PREFIX  ?= /usr/local
SYSCONFDIR ?= /etc
DESTDIR ?=

# CFLAGS, CPPFLAGS and LDFLAGS are the user's: they come after our own flags (mk/flags.mk).
# A sanitizer build lives beside the plain one: make test SAN=address (with UBSan), SAN=thread.
SAN ?=
BUILD := build$(if $(SAN),/$(SAN))

# One line per file; V=1 shows the commands.
Q   := $(if $(V),,@)
say  = $(if $(V),,@printf '  %-4s %s\n' $(1) $(2))

# For those who only want it built: as many jobs as processors, unless the user has said how many.
ALL_PROCESSORS = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))

MAKEFLAGS += -r
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:

.PHONY: all help clean
all: includes $(BUILD)/grud libraries ## build the daemon and the libraries

help: ## list the targets
	@sed -n 's/^\([a-z0-9_.-]*\):.*## \(.*\)/  \1\t\2/p' $(filter Makefile mk/%,$(MAKEFILE_LIST)) | \
	  expand -t 26

clean: ## remove what was built
	rm -rf build compile_commands.json

# What other sections use comes first; the rest is in any order.
include mk/flags.mk mk/packages.mk mk/lib.mk mk/server.mk mk/tests.mk
include $(filter-out $(MAKEFILE_LIST),$(wildcard mk/*.mk))

-include $(shell find $(BUILD) -name '*.d' -type f 2>/dev/null)
