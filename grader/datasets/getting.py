"""How does a set come to this machine? The words and the command that a person follows, the same for every set."""

from __future__ import annotations

from collections.abc import Sequence


def how_to_get(folders: Sequence[str], holding: str, downloads: str) -> str:
    """What to do where a set is missing: `folders` below the data root, what they hold, torchvision's call.

    `downloads` is Python in which `sets` is `torchvision.datasets` and 'FOLDER' the data root.

    >>> print(how_to_get(["cats"], "two pictures", "sets.Cats('FOLDER', download=True)").partition(";")[0])
    export GRADER_DATA=FOLDER, where FOLDER holds cats/ with two pictures
    """
    fetch = (
        'python -c "from grader import torchvision_ops as ops; ops.install(); import torchvision; '
        f'sets = torchvision.datasets; {downloads}"'
    )
    return (
        f"export GRADER_DATA=FOLDER, where FOLDER holds {' or '.join(f'{folder}/' for folder in folders)} with "
        f"{holding}; `grader data list` shows what is found; this gets them: {fetch}"
    )
