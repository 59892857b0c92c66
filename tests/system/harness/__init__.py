"""What the system tests share: starting the daemon, certificates, and clients that speak to it."""
