"""Wrong losses that the laws must refute, and the sound ones that they are made from by one change each."""
