"""What a user starts and waits for: a certificate, a replay, the selftest."""
