"""The command `lossproof`."""
