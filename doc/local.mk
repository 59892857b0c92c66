EXTRA_DIST += CONTRIBUTING.md SECURITY.md doc/architecture.md doc/decisions.md \
	doc/delegation-check.md doc/security.md doc/tls.md
