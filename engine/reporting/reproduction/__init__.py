"""Table 1 and Figures 5 to 8 of the paper over several seeds, beside the paper's own numbers.

paper.py     what the paper counts
subjects.py  which networks the report is about; trains those that are missing
findings.py  what is measured of one network
tables.py    the measures over all of them: mean and standard deviation
text.py      what the figures say, in sentences
report.py    the folder with all of it
"""

from engine.reporting.reproduction.report import reproduce
from engine.reporting.reproduction.subjects import Subject, choose

__all__ = ["Subject", "choose", "reproduce"]
