"""ResNet18, trained on ImageNet, fine-tuned on CIFAR-10: the last block and a new head learn, the rest is frozen.

Input (N, 3, 32, 32), pixels normalised by the mean and deviation of ImageNet; output (N, 10). The images are enlarged
to 112x112 within the network. 11,181,642 parameters, of which 8,398,858 are trained.

The weights are torchvision's `ResNet18_Weights.IMAGENET1K_V1`, read from a file and never downloaded here: the one
that GRADER_RESNET18 names, else torch.hub's own copy. Without a file there is no network, and no other weights stand
in for them.
"""

import hashlib
import os
import pickle
import re
from pathlib import Path
from typing import NoReturn

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from grader import torchvision_ops
from grader.errors import MachineError

FILE_NAME = "resnet18-f37072fd.pth"  # as torchvision names it: the digits begin the file's SHA-256
SIDE = 112


class Transfer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torchvision_ops.install()
        from torchvision.models import resnet18

        self.resnet = resnet18(weights=None)
        for parameter in self.resnet.parameters():
            parameter.requires_grad = False
        for parameter in self.resnet.layer4.parameters():
            parameter.requires_grad = True

    def forward(self, images: Tensor) -> Tensor:
        return self.resnet(interpolate(images, size=(SIDE, SIDE), mode="bilinear", align_corners=False))

    def train(self, mode: bool = True) -> "Transfer":
        """The frozen part stays in evaluation mode: else its BatchNorm would go on learning the statistics."""
        super().train(mode)
        for name, part in self.resnet.named_children():
            if name not in ("layer4", "fc"):
                part.eval()
        return self


def build_model(weights_file: Path | None = None) -> nn.Module:
    """The network before its fine-tuning: pretrained weights and a new head.

    Raises:  MachineError where there is no file of weights, or another one than its name says
    """
    model = Transfer()
    model.resnet.load_state_dict(_read(weights_file or find_weights(), model.resnet.state_dict()))
    model.resnet.fc = nn.Linear(512, 10)
    return model


def build_without_weights() -> nn.Module:
    """The same network for a checkpoint that holds all of it: nothing is read."""
    model = Transfer()
    model.resnet.fc = nn.Linear(512, 10)
    return model


def find_weights() -> Path:
    """Where the pretrained weights lie on this machine, or MachineError that says how to get them."""
    named = os.environ.get("GRADER_RESNET18")
    path = Path(named).expanduser() if named else Path(torch.hub.get_dir()) / "checkpoints" / FILE_NAME
    if not path.is_file():
        _refuse(path, "the weights of ResNet18 are not on this machine", code="weights-missing")
    return path


def _read(path: Path, wanted: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a file, or MachineError unless they are those of ResNet18 by name, shape and, where the name
    of the file states its digest, content."""
    stated = re.fullmatch(r".*-([0-9a-f]{8,})\.pth", path.name)
    try:
        if stated:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if not digest.startswith(stated[1]):
                _refuse(path, f"its SHA-256 begins with {digest[:8]}, not with {stated[1]} as its name says")
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        first_line = str(error).partition("\n")[0] or type(error).__name__
        _refuse(path, f"it cannot be read as tensors only ({first_line:.120})")
    if not isinstance(found, dict) or not all(isinstance(tensor, Tensor) for tensor in found.values()):
        _refuse(path, "it holds no state dict of tensors")
    for name in sorted({*wanted, *found}):
        if name not in found or name not in wanted:
            _refuse(path, f"the tensor {name} is {'missing' if name in wanted else 'none of ResNet18'}")
        if found[name].shape != wanted[name].shape:
            _refuse(path, f"the tensor {name} is {tuple(found[name].shape)}, not {tuple(wanted[name].shape)}")
    return found


def _refuse(path: Path, what: str, *, code: str = "weights-broken") -> NoReturn:
    fix = (
        f"export GRADER_RESNET18=FILE, where FILE is torchvision's {FILE_NAME}; where there is a network this gets it: "
        'python -c "from grader import torchvision_ops as ops; ops.install(); import torchvision; '
        "torchvision.models.resnet18(weights='IMAGENET1K_V1')\""
    )
    raise MachineError.single(what, where=str(path), fix=fix, code=code) from None
