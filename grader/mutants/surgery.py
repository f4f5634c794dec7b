"""How is a network changed without knowing its code? By the names of its modules, once it is built.

This file's text is put under a copy of the reference's model.py, where it runs in the sandbox like any student's code:
it needs nothing but PyTorch. The change is made first; then one image goes through, and every layer behind the change
whose input has another size than before is made anew for it, as a student would have done who built it so.
"""

from typing import Any

import torch
from torch import nn


def _mutated(network: Any, name: str, change: str, value: Any, shape: tuple[int, ...]) -> Any:
    """The network with the module `name` changed; `shape` is that of one input."""
    if change == "constant":
        network.register_forward_hook(lambda _module, _given, made: made * 0)
        return network
    if change == "identity":
        network.register_forward_hook(lambda _module, given, _made: given[0])
        return network
    if change == "freeze":
        return network.requires_grad_(False)
    layer = network.get_submodule(name)
    made = {
        "drop": nn.Identity,
        "add": lambda: nn.Sequential(layer, _another(layer)),
        "set": lambda: _rebuilt(layer, value),
        "swap": lambda: _other_pooling(layer),
    }[change]()
    above, _, last = name.rpartition(".")
    setattr(network.get_submodule(above), last, made)
    _heal(network, shape)
    return network


def _another(layer: Any) -> Any:
    """A layer of the same kind that keeps the shape of what `layer` gives."""
    if isinstance(layer, nn.Linear):
        return nn.Linear(layer.out_features, layer.out_features)
    return nn.Conv2d(layer.out_channels, layer.out_channels, 3, padding=1)


def _rebuilt(layer: Any, changed: dict[str, Any]) -> Any:
    """A layer of the same class with other settings."""
    words = {
        nn.Linear: ("in_features", "out_features"),
        nn.Conv2d: ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups"),
        nn.ConvTranspose2d: ("in_channels", "out_channels", "kernel_size", "stride", "padding", "output_padding"),
        nn.MaxPool2d: ("kernel_size", "stride", "padding"),
        nn.AvgPool2d: ("kernel_size", "stride", "padding"),
    }
    for kind, names in words.items():
        if isinstance(layer, kind):
            settings = {word: getattr(layer, word) for word in names}
            if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
                settings["bias"] = layer.bias is not None
            return kind(**{**settings, **changed})
    return type(layer)(**changed)  # a dropout: its share


def _other_pooling(layer: Any) -> Any:
    """The other one of maximum and average, over the same windows."""
    if isinstance(layer, (nn.AdaptiveMaxPool2d, nn.AdaptiveAvgPool2d)):
        other = nn.AdaptiveAvgPool2d if isinstance(layer, nn.AdaptiveMaxPool2d) else nn.AdaptiveMaxPool2d
        return other(layer.output_size)
    other = nn.AvgPool2d if isinstance(layer, nn.MaxPool2d) else nn.MaxPool2d
    return other(layer.kernel_size, layer.stride, layer.padding)


def _heal(network: Any, shape: tuple[int, ...]) -> None:
    """Make layers anew whose input has another size now. Where the code itself fixes sizes, it breaks."""
    hooks = [module.register_forward_pre_hook(_fitted) for module in network.modules()]
    was_training = network.training
    network.eval()
    try:
        with torch.no_grad():
            network(torch.zeros(2, *shape))
    except Exception:  # noqa: BLE001, S110  then it does not run, and that is what the student handed in
        pass
    for hook in hooks:
        hook.remove()
    network.train(was_training)


def _fitted(layer: Any, given: Any) -> None:
    """Before a layer is called: give it weights for the input that it gets."""
    if not given or not isinstance(given[0], torch.Tensor) or given[0].dim() < 2:
        return
    if isinstance(layer, nn.Linear) and given[0].shape[-1] != layer.in_features:
        layer.in_features = given[0].shape[-1]
        layer.weight = nn.Parameter(torch.randn(layer.out_features, layer.in_features) / layer.in_features**0.5)
    channels = given[0].shape[1]
    if isinstance(layer, nn.Conv2d) and layer.groups == 1 and channels != layer.in_channels:
        layer.in_channels = channels
        fan = channels * layer.kernel_size[0] * layer.kernel_size[1]
        layer.weight = nn.Parameter(torch.randn(layer.out_channels, channels, *layer.kernel_size) / fan**0.5)
    if isinstance(layer, nn.ConvTranspose2d) and layer.groups == 1 and channels != layer.in_channels:
        layer.in_channels = channels
        fan = channels * layer.kernel_size[0] * layer.kernel_size[1]
        layer.weight = nn.Parameter(torch.randn(channels, layer.out_channels, *layer.kernel_size) / fan**0.5)
    if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)) and channels != layer.num_features:
        layer.num_features = channels
        layer.weight, layer.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        layer.running_mean, layer.running_var = torch.zeros(channels), torch.ones(channels)
