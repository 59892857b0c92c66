# What the daemon and the tester share: the specification's grammar and documents.
noinst_LIBRARIES += libmatrix.a
libmatrix_a_SOURCES = \
	src/matrix/canonical_json.c src/matrix/canonical_json.h \
	src/matrix/documents.c src/matrix/documents.h \
	src/matrix/server_name.c src/matrix/server_name.h \
	src/matrix/url.c src/matrix/url.h
