"""What did a training log record? CSV, JSON lines, TensorBoard events or printed lines, by the content alone.

bytes -> delimited | json_lines | events | printed -> Log of rows (name, value as written) -> grader.answers.curves
"""

from __future__ import annotations

from grader.documents.text import broken
from grader.documents.training_log.delimited import read_delimited
from grader.documents.training_log.events import looks_like_events, read_events
from grader.documents.training_log.json_lines import read_json
from grader.documents.training_log.printed import read_printed
from grader.documents.training_log.record import MAX_LOG_BYTES, MAX_ROWS, Log, Pair, Row

__all__ = ["MAX_LOG_BYTES", "MAX_ROWS", "Log", "Pair", "Row", "read_log"]


def read_log(data: bytes, *, name: str) -> Log:
    r"""The rows of a log, in time and memory linear in the bytes; what lies beyond the caps is said in `doubts`.

    Raises:  DocumentError for more than MAX_LOG_BYTES, and for what is no text and no event file

    >>> read_log(b"epoch,val_acc\n1,0.91\n2,0.93\n", name="log.csv").rows[1]
    Row(number=3, pairs=(('epoch', '2'), ('val_acc', '0.93')))
    >>> read_log(b"Epoch 3/10 - loss: 0.25\n", name="log.txt").rows
    (Row(number=1, pairs=(('Epoch', '3/10'), ('loss', '0.25'))),)
    """
    if len(data) > MAX_LOG_BYTES:
        what = f"larger than {MAX_LOG_BYTES // 2**20} MB"
        raise broken("too-large", name, what, "hand in the log of the scalars alone")
    if looks_like_events(data):
        return read_events(data)
    if b"\x00" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        what = "this is neither text nor a TensorBoard event file"
        raise broken("no-text", name, what, "hand the log in as CSV, JSON lines, printed text or an event file")
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    text = data.decode(encoding, errors="replace")
    return read_json(text) or read_delimited(text) or read_printed(text, name=name)
