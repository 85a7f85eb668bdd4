"""Processes: a layer may crash, hang or take all memory, and the supervisor goes on."""
