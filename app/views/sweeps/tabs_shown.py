"""The names of the page's tabs, and under which keys the session keeps what is chosen."""

RESULTS, NEW = "Results", "New sweep"
TAB = "sweeps-tab"
SWEEP = "sweep"
