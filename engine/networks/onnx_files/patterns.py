"""Nodes that together stand for one layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from engine.networks.onnx_files import folding
from engine.networks.onnx_files.graph import Graph, Node, needed


@dataclass(frozen=True)
class _Links:
    """Which node gives a tensor, and which tensors are constants."""

    givers: Mapping[str, Node]
    constants: Mapping[str, np.ndarray]

    def kind(self, name: str, kind: str) -> Node | None:
        """The node that gives the tensor `name`, if it is of that kind."""
        found = self.givers.get(name)
        return found if found and found.kind == kind and all(found.inputs) else None

    def number(self, name: str) -> float | None:
        """The constant `name`, if it is one number."""
        found = self.constants.get(name)
        return None if found is None or found.size != 1 else float(np.ravel(found)[0])

    def by_number(self, node: Node) -> tuple[str, float] | None:
        """The tensor that a node takes, and the number that it multiplies, adds or divides by."""
        if len(node.inputs) == 2:
            for place in (1, 0) if node.kind != "Div" else (1,):
                found = self.number(node.inputs[place])
                if found is not None:
                    return node.inputs[1 - place], found
        return None


def simplified(graph: Graph) -> Graph:
    """The same graph with constants computed, and with biases and activations as one node each.

    Raises:
        UserError: constants do not fit an operator.
    """
    constants, nodes = dict(graph.constants), []
    for node in graph.nodes:
        inputs = [constants.get(name) for name in node.inputs]
        if folding.can_fold(node) and not any(array is None for array in inputs):
            constants[node.outputs[0]] = folding.fold(node, [a for a in inputs if a is not None])
        else:
            nodes.append(node)
    links = _Links({name: node for node in nodes for name in node.outputs}, constants)
    for place, node in enumerate(nodes):
        # Each rule looks at the last node of a pattern; those before it are then needed no more.
        made = (rule(links, node) for rule in _RULES.get(node.kind, ()))
        nodes[place] = next((found for found in made if found), node)
    return replace(graph, nodes=tuple(needed(nodes, graph.output)), constants=constants)


def _with_bias(links: _Links, node: Node) -> Node | None:
    """A convolution or product of matrices, and the addition of a constant."""
    for name, other in (node.inputs, node.inputs[::-1]) if len(node.inputs) == 2 else ():
        bias = links.constants.get(other)
        for kind, axis in (("MatMul", -1), ("Conv", 0)):
            weighted = links.kind(name, kind)
            if bias is None or weighted is None or len(weighted.inputs) != 2:
                continue
            kernel = links.constants.get(weighted.inputs[1])
            if kernel is None or kernel.ndim < 2:
                continue
            count = kernel.shape[axis]
            along = (count, 1, 1) if kind == "Conv" else (count,)
            if bias.size == count and bias.shape[-len(along) :] == along:
                inputs = (*weighted.inputs, other)
                return replace(weighted, inputs=inputs, outputs=node.outputs)
    return None


def _silu(links: _Links, node: Node) -> Node | None:
    """x * sigmoid(x)."""
    for value, factor in (node.inputs, node.inputs[::-1]) if len(node.inputs) == 2 else ():
        sigmoid = links.kind(factor, "Sigmoid")
        if sigmoid and sigmoid.inputs == (value,):
            return Node("Swish", node.name, (value,), node.outputs, {})
    return None


def _gelu(links: _Links, node: Node) -> Node | None:
    """x * (1 + erf(x / sqrt(2))) / 2, with its factors in any order."""
    factors, scale = [*node.inputs], 1.0
    outer = links.by_number(node)
    product = links.kind(outer[0], "Mul") if outer else None
    if outer and product:
        factors, scale = [*product.inputs], outer[1]
    for place, name in enumerate(factors):
        inner = links.kind(name, "Mul")
        found = links.by_number(inner) if inner else None
        if found and scale == 1:
            factors[place], scale = found
    if len(factors) != 2 or abs(scale - 0.5) > 1e-6:
        return None
    for value, other in (factors, factors[::-1]):
        if _is_erf_term(links, value, other):
            return Node("Gelu", node.name, (value,), node.outputs, {})
    return None


def _is_erf_term(links: _Links, value: str, name: str) -> bool:
    """Whether `name` is 1 + erf(value / sqrt(2))."""
    addition = links.kind(name, "Add")
    term = links.by_number(addition) if addition else None
    erf = links.kind(term[0], "Erf") if term and term[1] == 1 else None
    if not erf:
        return False
    for kind, factor in (("Div", math.sqrt(2)), ("Mul", math.sqrt(0.5))):
        scaled = links.kind(erf.inputs[0], kind)
        found = links.by_number(scaled) if scaled else None
        if found and found[0] == value and abs(found[1] - factor) < 1e-4:
            return True
    return False


_RULES: dict[str, tuple[Callable[[_Links, Node], Node | None], ...]] = {
    "Add": (_with_bias,),
    "Mul": (_silu, _gelu),
}
