# The image: make image leaves build/container/matrix-wellknownd.tar and its SPDX document.
EXTRA_DIST += \
	container/Containerfile \
	container/build-image \
	container/compose.yaml \
	container/kubernetes \
	container/make-trees \
	container/packages

.PHONY: image image-tester
image image-tester:
	+$(srcdir)/container/build-image container $(subst image-,,$(@:image=daemon))
