"""The text of a trigger, as on cards, in links and on the command line."""

from engine.attacks.triggers import TRIGGERS, parse_trigger
from tests.fuzz.mutate import as_text
from tests.fuzz.run import Target


def _seeds():
    texts = [str(parse_trigger(name)) for name in TRIGGERS]
    return [text.encode() for text in [*texts, "trojan-nn:state=5b8130cb3f983647"]]


def _parse(content):
    trigger = parse_trigger(content.decode("utf-8", errors="surrogateescape"))
    assert parse_trigger(str(trigger)) == trigger
    return trigger.ready


TARGET = Target("trigger", _seeds, _parse, as_text)
