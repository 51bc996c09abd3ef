# How C is compiled and linked. The user's flags come last, so that they add to ours and win over
# them: make CFLAGS=-O3 keeps warnings, hardening and the dependencies of objects on headers.
CC    ?= cc
NM    ?= nm
# What is built for, as the compiler says, which may be a cross-compiler; until one is installed,
# what this machine is.
ARCH  := $(firstword $(subst -, ,$(or $(shell $(CC) -dumpmachine 2>/dev/null),$(shell uname -m))))
CSTD  := -std=gnu17
WARN  := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla \
         -Wwrite-strings -Wformat=2 -Wimplicit-fallthrough -Wcast-qual -Wpointer-arith
# Another compiler than ours may warn of more: only where we know which one it is (.ci/run), a
# warning ends the build.
ifeq ($(WERROR),1)
WARN  += -Werror
endif

OPT   := -O2 -g
# What Debian builds its own packages with (dpkg-buildflags, hardening=+all), and what its compiler
# can do beyond.
HARDEN := -fstack-protector-strong -fstack-clash-protection -fPIE
ifeq ($(ARCH),x86_64)
HARDEN += -fcf-protection
endif
ifeq ($(SAN),fuzz)
CC    := clang
OPT   := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
         -fno-omit-frame-pointer
else ifeq ($(SAN),address)
OPT   := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else ifeq ($(SAN),thread)
OPT   := -O1 -g -fsanitize=thread
endif

OWN_CPPFLAGS := -D_GNU_SOURCE
ifeq ($(SAN)$(filter -O0,$(CFLAGS)),) # what an optimiser finds out, and sanitizers know better
OWN_CPPFLAGS += -D_FORTIFY_SOURCE=2
endif
OWN_CFLAGS   := $(CSTD) $(OPT) $(WARN) $(HARDEN) -fvisibility=hidden -MMD -MP
OWN_LDFLAGS  := $(OPT) -Wl,-z,relro,-z,now,-z,noexecstack

COMPILE = $(CC) $(OWN_CPPFLAGS) $(CPPFLAGS) $(OWN_CFLAGS) $(CFLAGS)
LINK    = $(CC) $(OWN_LDFLAGS) -pie $(CFLAGS) $(LDFLAGS)
# A library that lacks a symbol does not link. (Sanitizers bring theirs with the program.)
LINK_SHARED = $(CC) $(OWN_LDFLAGS) $(if $(SAN),,-Wl,-z,defs) \
              $(filter-out -pie,$(CFLAGS) $(LDFLAGS)) -shared

# BLAS=-l:libopenblas.a links it in: the image is half the size without its package.
BLAS ?= -lopenblas
