"""Controls a visitor fills in."""
