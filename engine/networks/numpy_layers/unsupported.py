"""What NumPy cannot compute: refused when a network is read, in words that name it."""

from __future__ import annotations

from typing import Any

from engine.core.command_line import command
from engine.core.errors import UserError, quoted
from engine.networks.numpy_layers.step import Config


class Unsupported(UserError):
    """A network that only TensorFlow can run.

    Args:
        what: the part that NumPy cannot compute here, for the beginning of a sentence.
    """

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} cannot be run on a page: use a command, such as"
            f" `{command('evaluate', 'NAME')}`."
        )


def require(config: Config, name: str, value: Any) -> None:
    """Raise `Unsupported` if a layer's config has another value; one it does not have is fine."""
    if config.get(name, value) != value:
        raise Unsupported(f"The layer {quoted(config['name'])} with {name} {quoted(config[name])}")
