"""The steps joined: train, import, analyze, detect, repair, compare."""
