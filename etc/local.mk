# Examples to copy from, and completion for bash. Nothing goes into $(sysconfdir): what is there is
# the administrator's.
examplesdir = $(docdir)/examples
dist_examples_DATA = \
	etc/examples/Caddyfile \
	etc/examples/apache.conf \
	etc/examples/haproxy.cfg \
	etc/examples/matrix-wellknownd.service \
	etc/examples/nginx.conf \
	etc/matrix-wellknownd.conf

# For systems without systemd.
openrcdir = $(docdir)/examples/openrc
dist_openrc_DATA = etc/openrc/matrix-wellknownd

# Certificates by uacme, and the units that renew them.
edit_directories = sed -e 's|@sbindir[@]|$(sbindir)|g' \
	-e 's|@localstatedir[@]|$(localstatedir)|g' -e 's|@VERSION[@]|$(VERSION)|g'
sbin_SCRIPTS = matrix-wellknownd-acme
systemdexamplesdir = $(docdir)/examples/systemd
systemdexamples_DATA = etc/systemd/matrix-wellknownd-acme.service
dist_systemdexamples_DATA = etc/systemd/matrix-wellknownd-acme.timer
EXTRA_DIST += etc/matrix-wellknownd-acme.in etc/systemd/matrix-wellknownd-acme.service.in
CLEANFILES += $(sbin_SCRIPTS) $(systemdexamples_DATA)

matrix-wellknownd-acme: etc/matrix-wellknownd-acme.in Makefile
	$(AM_V_GEN)$(edit_directories) $(srcdir)/etc/matrix-wellknownd-acme.in >$@.tmp && \
	chmod +x $@.tmp && mv $@.tmp $@

etc/systemd/matrix-wellknownd-acme.service: etc/systemd/matrix-wellknownd-acme.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) etc/systemd && \
	$(edit_directories) $(srcdir)/etc/systemd/matrix-wellknownd-acme.service.in >$@

# Bash looks for the completion of a program under the program's name.
completiondir = $(datadir)/bash-completion/completions
completion_DATA = etc/completions/matrix-wellknownd etc/completions/matrix-wellknownd-acme
EXTRA_DIST += etc/matrix-wellknownd.bash-completion etc/matrix-wellknownd-acme.bash-completion
CLEANFILES += $(completion_DATA)

$(completion_DATA): etc/completions/%: etc/%.bash-completion
	$(AM_V_GEN)$(MKDIR_P) etc/completions && cp $< $@
