# Certificates by uacme: a program in shell, and the units that run it.
edit_directories = sed -e 's|@sbindir[@]|$(sbindir)|g' \
	-e 's|@localstatedir[@]|$(localstatedir)|g' -e 's|@VERSION[@]|$(VERSION)|g'
sbin_SCRIPTS = matrix-wellknownd-acme
systemdexamplesdir = $(docdir)/examples/systemd
systemdexamples_DATA = etc/systemd/matrix-wellknownd-acme.service
dist_systemdexamples_DATA = etc/systemd/matrix-wellknownd-acme.timer
EXTRA_DIST += src/acme/matrix-wellknownd-acme.in etc/systemd/matrix-wellknownd-acme.service.in
CLEANFILES += $(sbin_SCRIPTS) $(systemdexamples_DATA)

matrix-wellknownd-acme: src/acme/matrix-wellknownd-acme.in Makefile
	$(AM_V_GEN)$(edit_directories) $(srcdir)/src/acme/matrix-wellknownd-acme.in >$@.tmp && \
	chmod +x $@.tmp && mv $@.tmp $@

etc/systemd/matrix-wellknownd-acme.service: etc/systemd/matrix-wellknownd-acme.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) etc/systemd && \
	$(edit_directories) $(srcdir)/etc/systemd/matrix-wellknownd-acme.service.in >$@
