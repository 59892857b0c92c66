# The image: make image leaves image/matrix-wellknownd.tar and its SPDX document.
# make image-tester makes the variant with the tester.
EXTRA_DIST += \
	.dockerignore \
	container/Containerfile \
	container/build-image \
	container/compose.yaml \
	container/kubernetes \
	container/make-trees \
	container/packages

.PHONY: image image-tester
image:
	+$(srcdir)/container/build-image image daemon
image-tester:
	+$(srcdir)/container/build-image image tester
