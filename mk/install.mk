# Installing into PREFIX and SYSCONFDIR, below DESTDIR. Options and data are the operator's: an
# installation leaves edited ones as they are, and so does its end.
AT_PREFIX  := $(DESTDIR)$(PREFIX)
OPTIONS    := $(DESTDIR)$(SYSCONFDIR)/grud/grud.conf
LIBRARIES  := libgru libgru-infer
DOC        := share/doc/grud
PAGES      := README.md $(wildcard docs/*.md docs/*.svg) config/grud.conf \
              config/grafana/grud.json config/prometheus/grud.rules.yml

MANUALS_1 := $(wildcard config/*.1)
MANUALS_5 := $(wildcard config/*.5)
# Where bash, zsh and fish look.
COMPLETIONS := share/bash-completion/completions/grud share/zsh/site-functions/_grud \
               share/fish/vendor_completions.d/grud.fish

# What is installed, and so what is removed: all but the options.
HEADERS   := gru.h gru_choices.h gru_training.h gru_validation.h gru_recipe.h gru_explain.h
INSTALLED := bin/grud $(HEADERS:%=include/%) $(LIBRARIES:%=lib/%.a) $(LIBRARIES:%=lib/%.so) \
             $(LIBRARIES:%=lib/%.so.0) $(LIBRARIES:%=lib/%.so.$(VERSION)) \
             $(LIBRARIES:%=lib/pkgconfig/%.pc) lib/systemd/system/grud.service \
             $(MANUALS_1:config/%=share/man/man1/%) $(MANUALS_5:config/%=share/man/man5/%) \
             $(COMPLETIONS) $(DOC)/LICENSE.uPlot $(addprefix $(DOC)/,$(notdir $(PAGES)))

define install_library
install -m 644 $(BUILD)/$(1).a $(AT_PREFIX)/lib/$(1).a
install -m 755 $(BUILD)/$(1).so $(AT_PREFIX)/lib/$(1).so.$(VERSION)
ln -sf $(1).so.$(VERSION) $(AT_PREFIX)/lib/$(1).so.0
ln -sf $(1).so.0 $(AT_PREFIX)/lib/$(1).so
sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' config/$(1).pc.in \
  > $(AT_PREFIX)/lib/pkgconfig/$(1).pc

endef

# Root's installation is one that programs run from: the dynamic linker is told. (Debian's `su` leaves
# /sbin out of the path.)
IS_STAGED := $(or $(DESTDIR),$(filter-out 0,$(shell id -u)))
define tell_linker
$(if $(IS_STAGED),,PATH="$$PATH:/usr/sbin:/sbin" ldconfig)
endef

.PHONY: install uninstall
install: all ## install into PREFIX (default /usr/local) and SYSCONFDIR (/etc), below DESTDIR
	install -d $(sort $(dir $(INSTALLED:%=$(AT_PREFIX)/%) $(OPTIONS)))
	install -m 755 $(BUILD)/grud $(AT_PREFIX)/bin/grud
	install -m 644 $(HEADERS:%=lib/%) $(AT_PREFIX)/include/
	$(foreach l,$(LIBRARIES),$(call install_library,$(l)))
	install -m 644 $(MANUALS_1) $(AT_PREFIX)/share/man/man1/
	install -m 644 $(MANUALS_5) $(AT_PREFIX)/share/man/man5/
	install -m 644 config/completion/grud.bash $(AT_PREFIX)/$(word 1,$(COMPLETIONS))
	install -m 644 config/completion/_grud $(AT_PREFIX)/$(word 2,$(COMPLETIONS))
	install -m 644 config/completion/grud.fish $(AT_PREFIX)/$(word 3,$(COMPLETIONS))
	sed -e 's|/usr/local|$(PREFIX)|' -e 's|/etc/|$(SYSCONFDIR)/|' config/grud.service \
	  > $(AT_PREFIX)/lib/systemd/system/grud.service
	test -e $(OPTIONS) || install -m 644 config/grud.conf $(OPTIONS)
	install -m 644 $(PAGES) $(AT_PREFIX)/$(DOC)/
	install -m 644 server/page/vendor/LICENSE $(AT_PREFIX)/$(DOC)/LICENSE.uPlot
	$(tell_linker)

uninstall: ## remove what install has installed, but for the options
	rm -f $(INSTALLED:%=$(AT_PREFIX)/%)
	test ! -d $(AT_PREFIX)/$(DOC) || rmdir --ignore-fail-on-non-empty $(AT_PREFIX)/$(DOC)
	$(tell_linker)
