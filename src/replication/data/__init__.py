"""Images: which there are (registry), how they get here (download), how they are read (images), leaks (audit)."""
