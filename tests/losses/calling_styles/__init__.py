"""Layers in the calling styles of published toolboxes, right and wrong ones of each, with what is to be found out."""
