"""The paper's defence: order the channels, prune them one by one, stop at a threshold.

orders.py   which channel goes first
curve.py    what the network still does after each step

The network is cut behind the pruned convolution by `networks.split`, and pruned by `networks.edit`.
"""
