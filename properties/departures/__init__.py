"""Departures: named, known ways in which a layer is another loss than its contract's."""
