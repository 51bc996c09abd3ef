# The page at /: the files of server/page/, plain and compressed, become a table in the binary.
# Nothing but a shell, awk and gzip is needed for it.
PAGE_FOLDER := server/page
PAGE_FILES  := $(sort $(wildcard $(foreach k,html js css svg,$(PAGE_FOLDER)/*.$k $(PAGE_FOLDER)/*/*.$k)))

# The folders are older than the table until a file is added or removed.
$(BUILD)/page/page_assets.c: mk/page.sh $(PAGE_FILES) $(sort $(dir $(PAGE_FILES)))
	@mkdir -p $(@D)
	$(call say,PAGE,$@)
	$(Q)mk/page.sh $(PAGE_FOLDER) $(PAGE_FILES) >$@

$(BUILD)/server/http/page_assets.o: $(BUILD)/page/page_assets.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(COMPILE) -Iserver -Ilib -c $< -o $@

$(BUILD)/http.a: $(BUILD)/server/http/page_assets.o
