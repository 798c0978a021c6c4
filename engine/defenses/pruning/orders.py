"""Pruning orders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.core.errors import UserError, unknown
from engine.defenses.activations import ChannelStats
from engine.evaluation.eval_pair import EvalPair


@dataclass(frozen=True)
class Order:
    """An order that a defender can compute: it sees clean images only.

    Attributes:
        name: what the command line calls it.
        title: what a page calls it.
        score: from clean statistics to float64 [channels]; the lowest is pruned first.
    """

    name: str
    title: str
    score: Callable[[ChannelStats], np.ndarray]

    def check_usable(self, _: EvalPair) -> None:
        """Clean images are enough."""

    def rank(self, clean: ChannelStats, _: ChannelStats | None) -> np.ndarray:
        """Channels in the order they are pruned: int64 [channels]; triggered ones are not read."""
        return np.argsort(self.score(clean), kind="stable")


@dataclass(frozen=True)
class OracleOrder:
    """An order that needs triggered images, which a defender does not have (paper section 4).

    Attributes:
        name, title: as for `Order`.
        score: from clean and triggered statistics to float64 [channels]; lowest first.
    """

    name: str
    title: str
    score: Callable[[ChannelStats, ChannelStats], np.ndarray]

    def check_usable(self, images: EvalPair) -> None:
        """Raise `UserError` without triggered images."""
        if images.triggered is None:
            raise UserError(
                f"The order '{self.name}' needs triggered images, and no trigger is known for this"
                " network: choose an order that needs clean images only."
            )

    def rank(self, clean: ChannelStats, triggered: ChannelStats | None) -> np.ndarray:
        """Channels in the order they are pruned: int64 [channels]."""
        assert triggered is not None  # see `check_usable`
        return np.argsort(self.score(clean, triggered), kind="stable")


ORDERS: dict[str, Order | OracleOrder] = {
    order.name: order
    for order in (
        Order("clean-activation", "Least active on clean images first", lambda clean: clean.mean),
        Order(
            "clean-count",
            "Least often active on clean images first",
            lambda clean: clean.positive,
        ),
        OracleOrder(
            "triggered-activation",
            "Oracle: most active on triggered images first",
            lambda _, triggered: -triggered.mean,
        ),
        OracleOrder(
            "triggered-minus-clean",
            "Oracle: largest trigger response first",
            lambda clean, triggered: clean.mean - triggered.mean,
        ),
    )
}
DEFAULT_ORDER = "clean-activation"


def find_order(name: str) -> Order | OracleOrder:
    """Find the order called `name`; raise a `UserError` that lists all orders if there is none."""
    if name not in ORDERS:
        raise unknown("pruning order", name, ORDERS)
    return ORDERS[name]
