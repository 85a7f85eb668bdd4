"""Reports: each consumes events or a certificate, and knows no other."""
