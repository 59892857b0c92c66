EXTRA_DIST += CONTRIBUTING.md doc/architecture.md doc/decisions.md \
	doc/delegation-check.md doc/scaling.md
