"""Layers and their arithmetic: shapes, parameters, multiply-adds, receptive fields. Whole numbers, no torch.

settings of a rubric -> make_layer -> Layer -> build -> Architecture
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
