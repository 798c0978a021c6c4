"""Work in processes of their own: here one after the other, or on many machines.

task           what is to be done, as plain values that can travel, and what comes back
child_process  a task in a process of its own, and what it may use
child          that process
schedulers     one task after the other here
dask_cluster   many at once on a Dask cluster
model_archive  a model's folder as bytes
"""
