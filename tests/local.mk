# What takes a minute or more of the system tests; every attack and 500 reloads under sanitizers.
# The former writes doc/attacks.md.
PYTHON = /usr/bin/python3
.PHONY: soak
soak: all
	cd $(srcdir)/tests/system && WELLKNOWND_SOAK=1 WELLKNOWND=$(abs_builddir)/matrix-wellknownd \
		PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m pytest -rfEs -m soak .
	$(srcdir)/tests/check --soak-sanitizers
