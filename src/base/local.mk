# What any C program could use.
noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	src/base/array.c src/base/array.h \
	src/base/base64.c src/base/base64.h \
	src/base/buffer.c src/base/buffer.h \
	src/base/clock.h \
	src/base/cpus.c src/base/cpus.h \
	src/base/file.c src/base/file.h \
	src/base/hash.h \
	src/base/line.c src/base/line.h \
	src/base/log.c src/base/log.h \
	src/base/map.c src/base/map.h \
	src/base/path.c src/base/path.h \
	src/base/problem.c src/base/problem.h \
	src/base/reserve.c src/base/reserve.h \
	src/base/sink.c src/base/sink.h \
	src/base/spelling.c src/base/spelling.h \
	src/base/utf8.c src/base/utf8.h
