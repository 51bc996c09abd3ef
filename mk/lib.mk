# The libraries: libgru, and libgru-infer, which is the same without training and without OpenBLAS.
LIB_FOLDERS   := json kernels engine
KERNEL_LEVELS := baseline
ifeq ($(ARCH),x86_64)
KERNEL_LEVELS += avx2 avx512
endif
KFLAGS_baseline :=
KFLAGS_avx2     := -march=x86-64-v3
KFLAGS_avx512   := -march=x86-64-v4 -mprefer-vector-width=512

LIB_SOURCES := $(filter-out lib/kernels/simd.c,\
                 $(foreach d,$(LIB_FOLDERS),$(wildcard lib/$(d)/*.c lib/$(d)/*/*.c)))
LIB_OBJECTS := $(LIB_SOURCES:%.c=$(BUILD)/%.o) $(KERNEL_LEVELS:%=$(BUILD)/lib/kernels/simd-%.o)
TRAINING_OBJECTS := $(filter $(BUILD)/lib/engine/train/% $(BUILD)/lib/engine/recipe/% \
                      $(BUILD)/lib/engine/explain/% \
                      $(BUILD)/lib/kernels/product.o $(BUILD)/lib/kernels/train.o,$(LIB_OBJECTS))
GRU       := $(BUILD)/libgru.a
GRU_INFER := $(BUILD)/libgru-infer.a

.PHONY: libraries
libraries: $(GRU) $(GRU_INFER) $(BUILD)/libgru.so $(BUILD)/libgru-infer.so

$(BUILD)/lib/%.o: lib/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(COMPILE) -fPIC -Ilib -c $< -o $@

# The kernels are one file, compiled once per instruction set, which the user's flags do not change.
# Without -fno-trapping-math and -fno-math-errno no compiler vectorises them; unlike -ffast-math,
# both keep NaN and infinity.
KERNEL_FLAGS := -O3 $(if $(SAN),$(OPT)) -fno-trapping-math -fno-math-errno -Wno-psabi
$(BUILD)/lib/kernels/simd-%.o: lib/kernels/simd.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(COMPILE) $(KERNEL_FLAGS) $(KFLAGS_$*) -DK_LEVEL=$* -fPIC -Ilib -c $< -o $@

$(GRU): $(LIB_OBJECTS)
$(GRU_INFER): $(filter-out $(TRAINING_OBJECTS),$(LIB_OBJECTS))
$(GRU) $(GRU_INFER):
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) rcs $@ $^

$(BUILD)/libgru.so: $(LIB_OBJECTS)
$(BUILD)/libgru.so: GRU_LIBS := -lopenblas -lm
$(BUILD)/libgru-infer.so: $(filter-out $(TRAINING_OBJECTS),$(LIB_OBJECTS))
$(BUILD)/libgru-infer.so: GRU_LIBS := -lm
$(BUILD)/libgru.so $(BUILD)/libgru-infer.so:
	$(call say,LD,$@)
	$(Q)$(LINK_SHARED) -Wl,-soname,$(@F).0 -o $@ $^ $(GRU_LIBS)
