# The manual pages.
dist_man_MANS += \
	man/matrix-wellknownd-acme.8 \
	man/matrix-wellknownd.8 \
	man/matrix-wellknownd.conf.5
