"""Elements used by several pages.

Three of them are our own: a swipe, a grid of pictures, an animation of pruning. Each is a Python
function with a `.js` and a `.css` file, and runs in the browser without reruns of the page.
"""
