EXTRA_DIST += etc/matrix-wellknownd.conf
