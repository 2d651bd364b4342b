"""The BERT of all-MiniLM-L6-v2 as an ONNX graph, in float32 as published and in int8 as shipped.

In int8 no scale depends on a whole batch, as it would with onnxruntime's dynamic quantisation, so a text
has the same vector whatever it is embedded with:

* Word embeddings have one scale a row, the weights of layers one a column.
* Inputs of layers have fixed scales, from the ranges seen over calibration texts. Their channels are evened
  out first, and the weights take up the difference (SmoothQuant, arXiv:2211.10438).
* Only the GELU's output, of which a few values are far larger than the rest, gets a scale for each token.

Residual sums and their normalisation stay two nodes: onnxruntime 1.31's fused one takes four times as long.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

LAYERS, HEADS, WIDTH, MAX_TOKENS = 6, 12, 384, 256
EPSILON = 1e-12
OPSET = 18

MASKED = -50.0
"""Added to masked attention scores: nothing is left of them, yet no slow denormal numbers come of it."""

SMOOTHING = 0.7
"""How much of the unevenness of channels goes from the inputs into the weights: 0 none, 1 all."""

HEADROOM = 1.1
"""How far beyond what calibration saw a value may go before it is clipped."""

GELU_LEAST, GELU_ZERO = 0.17, 10
"""A GELU's output is nowhere below -0.17, which GELU_ZERO of the 255 levels are kept for."""

Array = NDArray[Any]


class Range(NamedTuple):
    """The least and the greatest value seen in each channel."""

    low: Array
    high: Array


class Graph:
    """An ONNX graph in the making; its methods return the name of the tensor they add."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, value: Array | np.generic) -> str:
        """Add a constant, unless it was added under this name before."""
        self.constants.setdefault(name, numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def axis(self, axis: int) -> str:
        """Add the constant by which an operator is told its axis."""
        return self.constant(f"axis{axis}", np.array([axis], np.int64))

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add a node; operators that ONNX does not have are onnxruntime's own."""
        output = output or f"{operator}.{len(self.nodes)}"
        domain = "" if onnx.defs.has(operator, OPSET, "") else "com.microsoft"
        self.nodes.append(helper.make_node(operator, inputs, [output], output, domain=domain, **attributes))
        return output

    def model(self, taps: Sequence[str] = ()) -> bytes:
        """Return the serialised model; `taps` are tensors that become outputs too."""
        ids, mask = (
            helper.make_tensor_value_info(name, TensorProto.INT32, ["texts", "tokens"])
            for name in ("input_ids", "attention_mask")
        )
        embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["texts", WIDTH])
        outputs = [embedding, *(helper.make_tensor_value_info(tap, TensorProto.FLOAT, None) for tap in taps)]
        graph = helper.make_graph(self.nodes, "minilm", [ids, mask], outputs, list(self.constants.values()))
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
        return bytes(model.SerializeToString(deterministic=True))


class Arithmetic(Protocol):
    """How the model's large matrices are kept and multiplied; `weight` is (inputs, outputs)."""

    def words(self, graph: Graph, table: Array) -> str:
        """Look up the word embeddings."""

    def attention(self, graph: Graph, name: str, x: str, weight: Array, bias: Array) -> str:
        """Project to queries, keys and values, and attend."""

    def linear(self, graph: Graph, name: str, x: str, weight: Array, bias: Array) -> str:
        """Apply a linear layer."""

    def linear_after_gelu(self, graph: Graph, name: str, x: str, weight: Array, bias: Array) -> str:
        """Apply a linear layer to the output of a GELU."""


class Float32:
    """The model as published; remembers in `taps` which tensor enters which layer."""

    def __init__(self) -> None:
        self.taps: dict[str, str] = {}

    def words(self, graph: Graph, table: Array) -> str:
        return graph.add("Gather", graph.constant("words", table), "input_ids")

    def attention(self, graph: Graph, name: str, x: str, weight: Array, bias: Array) -> str:
        self.taps[name] = x
        weights = graph.constant(f"{name}.weight", weight), graph.constant(f"{name}.bias", bias)
        return graph.add("Attention", x, *weights, "attention_mask", num_heads=HEADS)

    def linear(self, graph: Graph, name: str, x: str, weight: Array, bias: Array) -> str:
        self.taps[name] = x
        product = graph.add("MatMul", x, graph.constant(f"{name}.weight", weight))
        return graph.add("Add", product, graph.constant(f"{name}.bias", bias))

    linear_after_gelu = linear


class Int8:
    """The model in integers, with scales for the inputs of layers from their `ranges`."""

    def __init__(self, ranges: Mapping[str, Range]) -> None:
        self.ranges = ranges

    def words(self, graph: Graph, table: Array) -> str:
        scale = np.maximum(np.abs(table).max(1, keepdims=True), EPSILON) / 127
        rounded = graph.constant("words", np.rint(table / scale).astype(np.int8))
        looked_up = graph.add("Gather", rounded, "input_ids")
        scales = graph.add("Gather", graph.constant("words.scale", scale), "input_ids")
        return graph.add("Mul", graph.add("Cast", looked_up, to=TensorProto.FLOAT), scales)

    def attention(self, graph: Graph, name: str, x: str, weight: Array, bias: Array) -> str:
        quantised, scale, zero, weight = self._input(graph, name, x, weight)
        rounded, scales, zeros = _columns(graph, name, weight)
        inputs = (
            quantised,
            rounded,
            graph.constant(f"{name}.bias", bias),
            scale,
            scales,
            "attention_mask",
            zero,
            zeros,
        )
        return graph.add("QAttention", *inputs, num_heads=HEADS, mask_filter_value=MASKED)

    def linear(self, graph: Graph, name: str, x: str, weight: Array, bias: Array) -> str:
        quantised, scale, zero, weight = self._input(graph, name, x, weight)
        rounded, scales, zeros = _columns(graph, name, weight)
        inputs = quantised, rounded, scale, scales, zero, zeros, graph.constant(f"{name}.bias", bias)
        return graph.add("MatMulIntegerToFloat", *inputs)

    def linear_after_gelu(self, graph: Graph, name: str, x: str, weight: Array, bias: Array) -> str:
        """Divide each token's values by the largest, which a GELU's fixed minimum makes enough."""
        levels = 255 - GELU_ZERO
        least = graph.constant("gelu.least", np.float32(GELU_LEAST * levels / GELU_ZERO))
        largest = graph.add("Max", graph.add("ReduceMax", x, graph.axis(-1), keepdims=1), least)
        scale = graph.constant("gelu.scale", np.float32(1 / levels))
        zero = graph.constant("gelu.zero", np.uint8(GELU_ZERO))
        quantised = graph.add("QuantizeLinear", graph.add("Div", x, largest), scale, zero)
        rounded, scales, zeros = _columns(graph, name, weight)
        product = graph.add("MatMulIntegerToFloat", quantised, rounded, scale, scales, zero, zeros)
        return graph.add("Add", graph.add("Mul", product, largest), graph.constant(f"{name}.bias", bias))

    def _input(self, graph: Graph, name: str, x: str, weight: Array) -> tuple[str, str, str, Array]:
        """Even out and quantise `x`; return it, its scale and zero point, and the weight that fits it."""
        low, high = self.ranges[name]
        divisor = np.maximum(-low, high) ** SMOOTHING / np.abs(weight).max(1) ** (1 - SMOOTHING)
        bottom, top = HEADROOM * min((low / divisor).min(), 0), HEADROOM * (high / divisor).max()
        scale = graph.constant(f"{name}.scale", np.float32((top - bottom) / 255))
        zero = graph.constant(f"{name}.zero", np.uint8(np.rint(-255 * bottom / (top - bottom))))
        evened = graph.add("Mul", x, graph.constant(f"{name}.evener", (1 / divisor).astype(np.float32)))
        return graph.add("QuantizeLinear", evened, scale, zero), scale, zero, weight * divisor[:, None]


def _columns(graph: Graph, name: str, weight: Array) -> tuple[str, str, str]:
    """Round a weight to int8; return it, the scales and the zero points of its columns.

    Processors without VNNI add two neighbouring products, each of an input up to 255, in 16 bits. A column's
    scale keeps its neighbours at 128 together, since 255 * 128 just fits: every processor gives the same.
    """
    neighbours = np.abs(weight).reshape(-1, 2, weight.shape[1]).sum(1)
    scales = (neighbours.max(0) / 127).astype(np.float32)
    rounded = graph.constant(f"{name}.weight", np.rint(weight / scales).astype(np.int8))
    zeros = graph.constant(f"{name}.weight.zero", np.zeros(len(scales), np.int8))
    return rounded, graph.constant(f"{name}.weight.scale", scales), zeros


def bert(arithmetic: Arithmetic, weights: Mapping[str, Array]) -> Graph:
    """Return the graph from token ids and mask to embeddings of unit length."""
    graph = Graph()
    x = _embedded(graph, arithmetic, weights)
    for layer in range(LAYERS):
        x = _layer(graph, arithmetic, weights, f"encoder.layer.{layer}", x)
    mask = graph.add("Cast", graph.add("Unsqueeze", "attention_mask", graph.axis(1)), to=TensorProto.FLOAT)
    total = graph.add("Squeeze", graph.add("MatMul", mask, x), graph.axis(1))
    graph.add("LpNormalization", total, output="embedding", axis=-1, p=2)
    return graph


def _embedded(graph: Graph, arithmetic: Arithmetic, weights: Mapping[str, Array]) -> str:
    words = arithmetic.words(graph, weights["embeddings.word_embeddings.weight"])
    places = (
        weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    )
    length = graph.add("Shape", "input_ids", start=1)
    start = graph.constant("start", np.array([0], np.int64))
    table = graph.constant("positions", places[None, :MAX_TOKENS])
    positions = graph.add("Slice", table, start, length, graph.axis(1))
    return _normalised(graph, weights, "embeddings.LayerNorm", words, positions)


def _layer(graph: Graph, arithmetic: Arithmetic, weights: Mapping[str, Array], name: str, x: str) -> str:
    projections = [f"{name}.attention.self.{part}" for part in ("query", "key", "value")]
    weight = np.concatenate([weights[f"{part}.weight"].T for part in projections], 1)
    bias = np.concatenate([weights[f"{part}.bias"] for part in projections])
    y = arithmetic.attention(graph, f"{name}.attention.self", x, weight, bias)
    y = arithmetic.linear(graph, *_dense(weights, f"{name}.attention.output.dense", y))
    x = _normalised(graph, weights, f"{name}.attention.output.LayerNorm", y, x)
    y = graph.add("Gelu", arithmetic.linear(graph, *_dense(weights, f"{name}.intermediate.dense", x)))
    y = arithmetic.linear_after_gelu(graph, *_dense(weights, f"{name}.output.dense", y))
    return _normalised(graph, weights, f"{name}.output.LayerNorm", y, x)


def _dense(weights: Mapping[str, Array], name: str, x: str) -> tuple[str, str, Array, Array]:
    return name, x, weights[f"{name}.weight"].T, weights[f"{name}.bias"]


def _normalised(graph: Graph, weights: Mapping[str, Array], name: str, x: str, y: str) -> str:
    scale, shift = (graph.constant(f"{name}.{part}", weights[f"{name}.{part}"]) for part in ("weight", "bias"))
    return graph.add("LayerNormalization", graph.add("Add", x, y), scale, shift, epsilon=EPSILON)
