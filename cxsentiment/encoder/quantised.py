"""Weights of our encoder and of its head on tokens, and the ranges of activations, as the integers of `kernels`.

A linear layer's input is shifted to the middle of each unit's range and scaled by a power of its width (as in SmoothQuant, Xiao et al.
2023), then rounded to 8 bits over a range that is fixed when the model is made: so a token's integers do not depend on its batch. The scale
goes into the weights, the shift into the bias. What GELU gives is rounded over the range that it has in each token.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from cxsentiment.encoder.kernels import HEAD, IntegerHead, IntegerLayer, IntegerMatrix, IntegerNetwork
from cxsentiment.encoder.model import Encoder, Layer

Floats = npt.NDArray[np.float32]
Ranges = Mapping[str, Floats]

RANGED = ("qkv", "out", "up")
"""The linear layers whose inputs have fixed ranges: arrays [layers, 2, hidden] of least and greatest values."""

STATES = "states"
"""The last layer's states have a range too, for the head on tokens: [1, 2, hidden]."""

MOST = 127
ZERO = 128
SMOOTHING = 0.75
GELU_LEAST = 0.17
NARROWEST = 1e-3


def integer_network(encoder: Encoder, tokens: nn.Sequential, ranges: Ranges) -> IntegerNetwork:
    """The network in integers, of an encoder and its head on tokens in float32.

    Raises KeyError or ValueError when ranges are missing or have another shape.
    """
    count, hidden = len(encoder.layers), encoder.words.weight.shape[1]
    if any(ranges[name].shape != (count, 2, hidden) for name in RANGED) or ranges[STATES].shape != (1, 2, hidden):
        raise ValueError(f"ranges must be [{count}, 2, {hidden}], and [1, 2, {hidden}] for {STATES}")
    spans = zip(*(ranges[name] for name in RANGED), strict=True)
    layers = tuple(_layer(layer, *span) for layer, span in zip(encoder.layers, spans, strict=True))  # type: ignore[arg-type]
    return IntegerNetwork(
        heads=encoder.layers[0].attention.heads,  # type: ignore[union-attr, arg-type]
        words=_array(encoder.words.weight),
        positions=_array(encoder.positions.weight),
        norm_weight=_array(encoder.norm.weight),
        norm_bias=_array(encoder.norm.bias),
        layers=layers,
        tokens=_head(tokens, ranges[STATES][0]),
    )


def _head(head: nn.Sequential, states: Floats) -> IntegerHead:
    first, last = (layer for layer in head if isinstance(layer, nn.Linear))
    inner, factor, shift = _smoothed(_array(first.weight), _array(first.bias), states)
    return IntegerHead(inner, _shifted(_array(last.weight), _array(last.bias), 1.0, 0, GELU_LEAST), factor, shift)


def _layer(layer: Layer, qkv_range: Floats, out_range: Floats, up_range: Floats) -> IntegerLayer:
    qkv, qkv_factor, qkv_shift = _smoothed(_array(layer.attention.qkv.weight), _array(layer.attention.qkv.bias), qkv_range)
    up, up_factor, up_shift = _smoothed(_array(layer.up.weight), _array(layer.up.bias), up_range)
    mixed_step = float(np.abs(out_range).max() / MOST)
    return IntegerLayer(
        qkv=_for_attention(qkv, mixed_step),
        out=_shifted(_array(layer.attention.out.weight), _array(layer.attention.out.bias), mixed_step, ZERO),
        up=up,
        down=_shifted(_array(layer.down.weight), _array(layer.down.bias), 1.0, 0, GELU_LEAST),
        qkv_factor=qkv_factor,
        qkv_shift=qkv_shift,
        up_factor=up_factor,
        up_shift=up_shift,
        middle_weight=_array(layer.attention_norm.weight),
        middle_bias=_array(layer.attention_norm.bias),
        final_weight=_array(layer.output_norm.weight),
        final_bias=_array(layer.output_norm.bias),
    )


def _smoothed(weight: Floats, bias: Floats, span: Floats) -> tuple[IntegerMatrix, Floats, Floats]:
    """The matrix for inputs in a fixed range [2, columns], and the factor and shift that make integers of them."""
    middle, half = (span[0] + span[1]) / 2, np.maximum((span[1] - span[0]) / 2, NARROWEST)
    smoothing = half**SMOOTHING
    smoothing /= np.median(smoothing)
    step = float((half / smoothing).max() / MOST)
    factor = 1.0 / (smoothing * step)
    matrix = _shifted(weight * smoothing, bias + weight @ middle, step, ZERO)
    return matrix, factor.astype(np.float32), (ZERO - middle * factor).astype(np.float32)


def _shifted(weight: Floats, bias: Floats, step: float, zero: int, least: float = 0.0) -> IntegerMatrix:
    """The matrix for inputs `(integer - zero) * step - least`."""
    scale = np.maximum(np.abs(weight).max(axis=1) / MOST, 1e-12)
    integers = np.rint(weight / scale[:, None])
    corrected = bias - scale * integers.sum(axis=1) * (step * zero + least)
    return IntegerMatrix(integers.astype(np.int8), (scale * step).astype(np.float32), corrected.astype(np.float32))


def _for_attention(qkv: IntegerMatrix, mixed_step: float) -> IntegerMatrix:
    """Queries with the square root of the heads' size in them, and values in steps of what attention gives, from ZERO on.

    Attention's weights add up to one, so that what it gives is in these steps too.
    """
    scale, bias = qkv.scale.copy(), qkv.bias.copy()
    hidden = len(scale) // 3
    for array in (scale, bias):
        array[:hidden] /= np.sqrt(HEAD)
        array[2 * hidden :] /= mixed_step
    bias[2 * hidden :] += ZERO
    return IntegerMatrix(qkv.integers, scale, bias)


def _array(tensor: torch.Tensor) -> Floats:
    return np.asarray(tensor.detach().float().cpu().numpy())
