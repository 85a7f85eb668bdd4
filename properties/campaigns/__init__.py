"""Fuzzing for hours: shards, schedules, a journal, and what a campaign leaves behind."""
