"""Does a reader say where rows of a print were left out, so that no sum of the others is held against its totals?"""

import pytest

from grader.architecture.readers import lightning, module_repr, torchinfo
from grader.documents.report_lines import Line

TREE = """\
==========================================================================================
Layer (type:depth-idx)                   Output Shape              Param #
==========================================================================================
Small                                    [1, 10]                   --
├─Conv2d: 1-1                            [1, 8, 28, 28]            80
{gap}
├─Linear: 1-4                            [1, 10]                   15,690
==========================================================================================
Total params: 18,090
=========================================================================================="""
TABLE = """\
  | Name | Type   | Params
--------------------------------
0 | conv | Conv2d | 80
{gap}
2 | fc   | Linear | 15.7 K
--------------------------------
18.1 K    Total params"""
PRINT = """\
Small(
  (conv1): Conv2d(1, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
  {gap}
  (fc): Linear(in_features=1568, out_features=10, bias=True)
)"""


@pytest.mark.parametrize("gap", ["...", "│    │    ...", "…", "⋮", "[...]", "... (2 more layers)", ". . ."])
@pytest.mark.parametrize(("read", "text"), [(torchinfo.read, TREE), (lightning.read, TABLE), (module_repr.read, PRINT)])
def test_left_out_rows_are_named(read, text, gap):
    lines = [Line(number, line) for number, line in enumerate(text.format(gap=gap).splitlines(), 1)]
    [summary] = read(lines)
    where = next(line.number for line in lines if gap in line.text)
    assert [(one.line, one.why) for one in summary.unread] == [(where, "rows are left out here")]
    assert [row.type for row in summary.rows][-1] == "Linear"


@pytest.mark.parametrize(("read", "text"), [(torchinfo.read, TREE), (lightning.read, TABLE), (module_repr.read, PRINT)])
def test_a_blank_line_leaves_nothing_out(read, text):
    [summary] = read([Line(number, line) for number, line in enumerate(text.format(gap="").splitlines(), 1)])
    assert summary.unread == ()
