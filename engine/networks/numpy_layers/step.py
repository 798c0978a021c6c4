"""What a layer is made from, and what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Config = Mapping[str, Any]  # as Keras describes a layer
Step = Callable[..., np.ndarray]  # float32 [n, ...] for each source -> float32 [n, ...]
