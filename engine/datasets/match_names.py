"""A program that matches file names with a pattern: `tracks` runs it, and ends it if it hangs.

Standard input: a JSON object with "pattern" and "names". Standard output: a JSON list with, for
each name, the first group of the pattern, or null where it does not match.
"""

import json
import re
import sys


def _main() -> None:
    asked = json.load(sys.stdin)
    search = re.compile(asked["pattern"]).search
    found = (search(name) for name in asked["names"])
    json.dump([match and match[1] for match in found], sys.stdout)


if __name__ == "__main__":
    _main()
