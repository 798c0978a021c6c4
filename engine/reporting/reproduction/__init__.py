"""Table 1 and Figures 5 to 8 of the paper, over several seeds and next to the paper's numbers.

published.py    the paper's own numbers
subjects.py     the networks the report is about; trains missing ones
findings.py     what is measured on one network
tables.py       the metrics of all networks: mean and standard deviation
conclusions.py  what the numbers show, in sentences
report_text.py  the text of the report
report.py       the folder with the text, the tables and the figures
"""

from engine.reporting.reproduction.report import reproduce
from engine.reporting.reproduction.subjects import Subject, cells_of, choose

__all__ = ["Subject", "cells_of", "choose", "reproduce"]
