"""PyTorch as the oracle: what it says to the settings of a layer and a shape."""

from __future__ import annotations

import contextlib
import warnings

import pytest

from grader.architecture import KINDS, ShapeError, make_layer

INTEGER_INPUTS = {"embedding"}


class Oracle:
    """The answers of PyTorch and ours, in one form: (output shape, parameters, buffers), or None for a refusal."""

    refusals = (RuntimeError, ValueError, TypeError, IndexError, NotImplementedError, AssertionError, ZeroDivisionError)

    def __init__(self):
        import torch

        torch.set_num_threads(1)
        self.torch = torch

    def module(self, settings):
        kind = KINDS[settings["kind"]]
        names = {setting.name: setting.torch_name or setting.name for setting in kind.settings}
        arguments = {
            names[name]: tuple(value) if isinstance(value, list) else value
            for name, value in settings.items()
            if name != "kind"
        }
        if kind.word.startswith("lp_pool"):
            arguments["norm_type"] = 2
        if kind.word == "lp_pool1d":  # takes no tuple
            arguments = {name: value[0] if isinstance(value, tuple) else value for name, value in arguments.items()}
        return getattr(self.torch.nn, kind.torch_name)(**arguments)

    def says(self, settings, shape, *, device="cpu", gradients=False):
        torch = self.torch
        with warnings.catch_warnings(), torch.set_grad_enabled(gradients):
            warnings.simplefilter("ignore")
            try:
                with torch.device(device):
                    module = self.module(settings).eval()
                    is_index = settings["kind"] in INTEGER_INPUTS
                    number = torch.long if is_index else torch.float32
                    made = module(torch.zeros(shape, dtype=number, requires_grad=gradients and not is_index))
            except self.refusals:
                return None
        made = made[0] if isinstance(made, tuple) else made
        return (
            tuple(made.shape),
            {name: tuple(tensor.shape) for name, tensor in module.named_parameters()},
            {name: tuple(tensor.shape) for name, tensor in module.named_buffers()},
        )

    def we_say(self, settings, shape):
        with contextlib.suppress(ShapeError):
            layer = make_layer(settings, shape)
            return layer.output_shape(shape), dict(layer.parameters()), dict(layer.buffers())
        return None


@pytest.fixture(scope="session")
def oracle():
    return Oracle()
