"""Seeing, training and repairing image classifiers with a backdoor in the frequency domain.

One room for each step, in the order the data takes:

images -> trigger -> poisoned training set -> trained network -> activations
-> order of pruning -> curve -> repaired network

Nothing here imports Streamlit; importing this package does not import TensorFlow.
"""
