# The recipe behind `make fuzz`, see local.mk: GNU make's own, which automake does not read.
# Each fuzz_NAME.c here is a target, its seeds are in corpus/fuzz_NAME, what once failed in
# regressions/fuzz_NAME, and fuzz_NAME.dict, where there is one, holds words that are worth trying.
# fuzz_check_* are the tester's.
OUT := fuzz-build
HERE := $(SOURCES)/fuzz
SANITIZERS := address,undefined
CPPFLAGS := -DHAVE_CONFIG_H -D_GNU_SOURCE -I$(CONFIGURED) -I$(SOURCES)/src \
	-DSYSCONFDIR='"/nonexistent"'
CFLAGS := -std=gnu11 -O1 -g -fno-omit-frame-pointer -fsanitize=$(SANITIZERS) \
	-fno-sanitize-recover=all

part = $(filter-out %/main.c,$(wildcard $(SOURCES)/src/$1/*.c $(SOURCES)/src/$1/*/*.c))
objects = $(patsubst $(SOURCES)/%.c,$(OUT)/%.o,$(call part,$1))
targets := $(patsubst $(HERE)/%.c,%,$(wildcard $(HERE)/fuzz_*.c))
ifeq ($(strip $(CHECK_LIBS)),)
targets := $(filter-out fuzz_check_%,$(targets))
endif
programs := $(addprefix $(OUT)/,$(targets))
headers := $(wildcard $(SOURCES)/src/*/*.h $(SOURCES)/src/*/*/*.h $(HERE)/*.h)

.PHONY: run build
run: $(addprefix run-,$(targets))
build: $(programs)

$(OUT)/%.o: $(SOURCES)/%.c $(headers) $(HERE)/fuzz.mk
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) $(CFLAGS) -fsanitize=fuzzer-no-link $(PACKAGE_CFLAGS) -c -o $@ $<

$(OUT)/%.a:
	@rm -f $@
	@ar cr $@ $^
$(OUT)/libbase.a: $(call objects,base)
$(OUT)/libmatrix.a: $(call objects,matrix)
$(OUT)/libdaemon.a: $(call objects,daemon)
$(OUT)/libcheck.a: $(call objects,check)

link = $(CC) $(CFLAGS) -fsanitize=fuzzer -o $@ $^
$(OUT)/fuzz_check_%: $(OUT)/fuzz/fuzz_check_%.o $(OUT)/libcheck.a $(OUT)/libmatrix.a $(OUT)/libbase.a
	@$(link) $(CHECK_LIBS) $(DAEMON_LIBS)
$(OUT)/fuzz_%: $(OUT)/fuzz/fuzz_%.o $(OUT)/libdaemon.a $(OUT)/libmatrix.a $(OUT)/libbase.a
	@$(link) $(DAEMON_LIBS)
.SECONDARY:

run-%: $(OUT)/%
	@$(HERE)/run-target $(OUT) $* $(SECONDS_EACH)
