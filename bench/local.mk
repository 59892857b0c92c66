# make bench compares the daemon with other servers; see bench/README.md. The two programs are
# built for it only.
EXTRA_DIST += bench/README.md bench/packages.txt bench/answers.lua bench/run.py bench/rows.py \
	bench/servers.py bench/load.py bench/process.py bench/certificates.py bench/renewal.py bench/report.py \
	bench/results.json bench/results.md bench/handshake.svg bench/memory.svg

EXTRA_PROGRAMS += bench/client bench/floor
bench_client_SOURCES = bench/client.c
bench_client_LDADD = $(GNUTLS_LIBS)
bench_floor_SOURCES = bench/floor.c
bench_floor_LDADD = $(daemon_bench_libs)
daemon_bench_libs = libdaemon.a libmatrix.a libbase.a \
	$(MICROHTTPD_LIBS) $(GNUTLS_LIBS) $(JANSSON_LIBS) $(SECCOMP_LIBS)
CLEANFILES += bench/client bench/floor

bench_interpreter = /usr/bin/python3
bench_programs = matrix-wellknownd$(EXEEXT) bench/client$(EXEEXT) bench/floor$(EXEEXT)

.PHONY: bench bench-smoke
bench: $(bench_programs)
	$(bench_interpreter) $(srcdir)/bench/run.py --build $(abs_builddir)

bench-smoke: $(bench_programs)
	$(bench_interpreter) $(srcdir)/bench/run.py --build $(abs_builddir) --smoke
