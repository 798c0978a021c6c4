"""The text of a repair."""

from engine.defenses.repairs import REPAIRS, parse_repair
from engine.experiments import repair_tables
from tests.fuzz.mutate import as_text
from tests.fuzz.run import Target


def _seeds():
    return [str(parse_repair(name)).encode() for name in REPAIRS]


def _parse(content):
    repair = parse_repair(content.decode("utf-8", errors="surrogateescape"))
    assert parse_repair(str(repair)) == repair
    return repair_tables.describe(repair)


TARGET = Target("repair", _seeds, _parse, as_text)
