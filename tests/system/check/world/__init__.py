"""A small internet: its machines, its servers, and the domains in it."""
