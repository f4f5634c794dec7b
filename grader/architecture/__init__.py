"""Layers and their arithmetic: shapes, parameters, multiply-adds, receptive fields. Whole numbers, no torch.

settings of a rubric -> make_layer -> Layer -> build -> Architecture

Everything is as PyTorch does it in evaluation mode on the CPU, refusals included. It refuses more in few cases,
none of which a network that learns has: empty tensors; negative padding where `padding_mode` is not "zeros"; a
dilation of 0 that no pixel of a transposed kernel notices; an adaptive average pooling to 1 of a tensor that is
no image; an upsampling by 0 beside a size. `tests/architecture/test_exceptions.py` holds each of them.
"""

from __future__ import annotations

from grader.architecture.arithmetic import conv_output_size, conv_padding, pool_output_size, transposed_output_size
from grader.architecture.kinds import KINDS, TORCH_NAMES, Kind, layer_schema, make_layer
from grader.architecture.layer import Layer, Window
from grader.architecture.network import Architecture, Node, ReceptiveField, build
from grader.architecture.shapes import Shape, ShapeError, check_shape, element_count

__all__ = [
    "KINDS",
    "TORCH_NAMES",
    "Architecture",
    "Kind",
    "Layer",
    "Node",
    "ReceptiveField",
    "Shape",
    "ShapeError",
    "Window",
    "build",
    "check_shape",
    "conv_output_size",
    "conv_padding",
    "element_count",
    "layer_schema",
    "make_layer",
    "pool_output_size",
    "transposed_output_size",
]
