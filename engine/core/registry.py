"""Registries: named classes and objects, from the program and from other packages."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterable, Iterator, MutableMapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from engine.core.errors import one_line, unknown

Entry = TypeVar("Entry")
_log = logging.getLogger(__name__)


class Registry(MutableMapping[str, Entry], Generic[Entry]):
    """A mapping from names to classes or objects of one kind.

    Packages from elsewhere add entries by entry points (`importlib.metadata`) of the registry's
    group. They are loaded at the first look, after everything that comes with the program. One
    that cannot be used is left out with one warning that names its package. A notebook adds an
    entry for itself alone with ``registry[name] = entry``.

    Args:
        noun: the kind, for messages, such as "trigger".
        group: of the entry points, such as "backdoor_lab.triggers".
        contract: what entries are, or are derived from.
        own: the entries that come with the program, in the order in which they are shown.
    """

    def __init__(self, noun: str, group: str, contract: type, own: Iterable[Entry]) -> None:
        self.noun, self.group, self.contract = noun, group, contract
        self._own: dict[str, Entry] = {}
        for entry in own:
            check_complete(entry, contract)
            self._own[entry.name] = entry  # type: ignore[attr-defined]

    @cached_property
    def _entries(self) -> dict[str, Entry]:
        entries = dict(self._own)
        for point in entry_points(group=self.group):
            try:
                entry = point.load()
                check_complete(entry, self.contract)
                if entry.name in entries:
                    raise TypeError(f"the name {entry.name!r} is taken")
            except Exception as error:  # a foreign module may raise anything while it is imported
                _log.warning(_ignored(self.noun, point, error))
            else:
                entries[entry.name] = entry
        return entries

    def find(self, name: str) -> Entry:
        """The entry of that name.

        Raises:
            UserError: there is none; lists those there are.
        """
        if name not in self._entries:
            raise unknown(self.noun, name, self._entries)
        return self._entries[name]

    def __getitem__(self, name: str) -> Entry:
        return self._entries[name]

    def __setitem__(self, name: str, entry: Entry) -> None:
        check_complete(entry, self.contract)
        self._entries[name] = entry

    def __delitem__(self, name: str) -> None:
        del self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def check_complete(entry: Any, contract: type) -> None:
    """Raise `TypeError` unless a class or object implements the contract.

    It must be derived from it, without abstract methods left, and have the class attributes that
    the contract's `required` lists.
    """
    kind = entry if isinstance(entry, type) else type(entry)
    if not issubclass(kind, contract):
        raise TypeError(f"{kind.__name__} is not derived from {contract.__name__}")
    if inspect.isabstract(kind):
        missing = ", ".join(sorted(getattr(kind, "__abstractmethods__", ())))
        raise TypeError(f"{kind.__name__} does not implement {missing}")
    required: tuple[str, ...] = getattr(contract, "required", ("name",))
    lacking = [name for name in required if not hasattr(entry, name)]
    if lacking:
        raise TypeError(f"{kind.__name__} lacks {', '.join(lacking)}")


def _ignored(noun: str, point: EntryPoint, error: Exception) -> str:
    package = point.dist.name if point.dist else point.value
    reason = one_line(f"{type(error).__name__}: {error}")
    return f"The {noun} {point.name!r} of the package {package!r} is ignored ({reason})."
