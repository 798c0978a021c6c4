"""Sweeps: a grid of trainings, each with its detections and repairs, in one tidy table.

sweep_file    a YAML file, read as a list of cells
cell          what one cell does, and the key it is stored under
cell_work     doing it: from a cell's settings to its model and rows
results       the rows of a sweep on disk, so that it does only what is missing
run           all of that together, with the processes of `engine.experiments.workers`
"""
