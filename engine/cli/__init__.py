"""The command line: ``python -m engine COMMAND``, or ``backdoor-lab COMMAND`` once installed.

main.py        the commands in their sections, loaded when they are used; errors, exit status
invocation.py  how the program was called
shared.py      what every command does: print its answer, run its work as a job
options.py     options that several commands share, and their types
terminal.py    progress bar and printed answers
docs.py        writes docs/cli.md

The other modules hold the commands, by subject.
"""
