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

# Bash looks for the completion of a program under the program's name.
completiondir = $(datadir)/bash-completion/completions
completion_DATA = etc/completions/matrix-wellknownd etc/completions/matrix-wellknownd-acme
EXTRA_DIST += etc/matrix-wellknownd.bash-completion etc/matrix-wellknownd-acme.bash-completion
CLEANFILES += $(completion_DATA)

$(completion_DATA): etc/completions/%: etc/%.bash-completion
	$(AM_V_GEN)$(MKDIR_P) etc/completions && cp $< $@
