"""What Streamlit has no element for: a swipe, a grid of pictures, a film of the pruning.

Each is a Python function beside its `.js` and `.css`; all run in the browser without reruns.
"""
