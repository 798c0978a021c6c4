"""The paper's defence: order the channels, prune them one by one, stop at a threshold.

orders.py   which channel goes first
blocks.py   the network cut behind the pruned convolution
curve.py    what the network still does after each step
surgery.py  the repaired network itself
"""
