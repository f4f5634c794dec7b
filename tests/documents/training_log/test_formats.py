"""Every format of a log gives the same rows: the names, the values as written, and where they stand."""

import json
import math
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.documents import DocumentError
from grader.documents.training_log import MAX_LOG_BYTES, MAX_ROWS, read_log
from grader.documents.training_log.events import masked_crc32c

TORCH_FILE = Path(__file__).parent / "torch.tfevents"  # by torch.utils.tensorboard of torch 2.13, tensorboard 2.21


def pairs(text, name="train.log"):
    data = text if isinstance(text, bytes) else text.encode()
    return [row.pairs for row in read_log(data, name=name).rows]


# --- CSV ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_a_csv_is_read_with_any_delimiter(mark):
    text = f"epoch{mark}val_acc\n1{mark}0.91\n2{mark}0.93\n"
    assert pairs(text) == [(("epoch", "1"), ("val_acc", "0.91")), (("epoch", "2"), ("val_acc", "0.93"))]


def test_a_printed_table_of_blanks_is_read_as_columns():
    text = "epoch  train_loss  accuracy\n0      0.45        0.91\n1      0.30        0.93\n"
    assert pairs(text)[1] == (("epoch", "1"), ("train_loss", "0.30"), ("accuracy", "0.93"))


def test_a_markdown_table_is_read_as_columns():
    text = "| epoch | acc |\n| --- | --- |\n| 1 | 0.9 |\n"
    assert pairs(text) == [(("epoch", "1"), ("acc", "0.9"))]


def test_empty_cells_are_left_out_and_repeated_headers_passed_over():
    text = "epoch,loss,val_loss\n0,0.5,\nepoch,loss,val_loss\n0,,0.4\n"
    assert pairs(text) == [(("epoch", "0"), ("loss", "0.5")), (("epoch", "0"), ("val_loss", "0.4"))]


def test_a_row_of_another_length_is_named_and_the_rest_read():
    log = read_log(b"epoch,loss\n1,0.5\n2,0.4,9\n3,0.3\n", name="a.csv")
    assert [row.number for row in log.rows] == [2, 4]
    assert log.doubts == ("line 3, which has 3 cells and not 2",)


# --- JSON -----------------------------------------------------------------------------------


def test_the_log_of_our_own_training_is_read():
    record = {"epoch": 1, "step": 938, "train_loss": 0.25, "learning_rate": 0.001, "test_accuracy": 0.9705}
    [row] = pairs(json.dumps(record) + "\n")
    assert dict(row) == {key: str(value) for key, value in record.items()}


def test_numbers_keep_their_digits_and_nan_is_read():
    assert pairs('{"loss": NaN, "acc": 0.970}\n{"loss": 1e-3}\n') == [
        (("loss", "NaN"), ("acc", "0.970")),
        (("loss", "1e-3"),),
    ]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('[{"epoch": 1, "loss": 0.5},\n {"epoch": 2, "loss": 0.4}]', id="a list of objects"),
        pytest.param('{"loss": [0.5, 0.4]}', id="a list by name"),
        pytest.param('{"log_history": [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.4}]}', id="trainer state"),
    ],
)
def test_a_json_document_is_read_by_entries(text):
    log = read_log(text.encode(), name="history.json")
    assert log.unit == "entry"
    assert [row.pairs for row in log.rows][1] == (("epoch", "2"), ("loss", "0.4"))


def test_a_broken_line_among_json_lines_is_named():
    log = read_log(b'{"loss": 1}\n{"loss": \n{"loss": 2}\n', name="a.jsonl")
    assert [row.number for row in log.rows] == [1, 3]
    assert log.doubts == ("line 2, which is no JSON object",)


# --- printed lines ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(
            "1875/1875 [==============================] - 5s 3ms/step - loss: 0.2 - accuracy: 0.94",
            {"step": "1875/1875", "loss": "0.2", "accuracy": "0.94"},
            id="Keras 2",
        ),
        pytest.param(
            "\x1b[1m1875/1875\x1b[0m \x1b[32m━━━━━\x1b[0m\x1b[37m\x1b[0m \x1b[1m5s\x1b[0m 2ms/step - val_loss: 0.16",
            {"step": "1875/1875", "val_loss": "0.16"},
            id="Keras 3",
        ),
        pytest.param("[1,  2000] loss: 0.8", {"epoch": "1", "step": "2000", "loss": "0.8"}, id="PyTorch's tutorial"),
        pytest.param(
            "Train Epoch: 1 [640/60000 (1%)]\tLoss: 0.302",
            {"Train Epoch": "1", "images": "640/60000", "Loss": "0.302"},
            id="PyTorch's MNIST example",
        ),
        pytest.param(
            "Test set: Average loss: 0.0265, Accuracy: 9913/10000 (99%)",
            {"Test set: Average loss": "0.0265", "Test set: Accuracy": "9913/10000"},
            id="its test line",
        ),
        pytest.param(
            "Epoch [1/5], Step [100/600], Loss: 0.1234",
            {"Epoch": "1/5", "Step": "100/600", "Loss": "0.1234"},
            id="in brackets",
        ),
        pytest.param(
            "epoch done: 14 accuracy train 0.9082844034830729 accuracy test 0.891600112915039",
            {"epoch done": "14", "accuracy train": "0.9082844034830729", "accuracy test": "0.891600112915039"},
            id="without commas",
        ),
        pytest.param(
            "│         test_acc          │    0.9876000285148621     │",
            {"test_acc": "0.9876000285148621"},
            id="Lightning",
        ),
        pytest.param(
            "{'loss': 0.5, 'learning_rate': 5e-05, 'epoch': 1.0}",
            {"loss": "0.5", "learning_rate": "5e-05", "epoch": "1.0"},
            id="a printed dict",
        ),
        pytest.param(
            "Epoch 3: 100%|####| 938/938 [00:12<00:00, 75.1it/s, loss=0.1]",
            {"Epoch": "3", "step": "938/938", "loss": "0.1"},
            id="tqdm",
        ),
        pytest.param(
            "Train - loss: 0.3 - acc: 90% | Val - acc: 0.8",
            {"Train: loss": "0.3", "Train: acc": "90%", "Val: acc": "0.8"},
            id="subjects",
        ),
        pytest.param("Epoch 1: loss nan lr 1e-3", {"Epoch": "1", "loss": "nan", "lr": "1e-3"}, id="nan"),
        pytest.param(
            "Epoch 1 done in 00:12:31, 3.5s, loss: -0.25", {"Epoch": "1", "loss": "-0.25"}, id="times are none"
        ),
    ],
)
def test_printed_lines_of_the_usual_kinds_are_read(line, expected):
    [found] = pairs(line)
    assert dict(found) == expected


def test_prose_and_blank_lines_give_no_rows():
    assert pairs("We trained the network.\n\nIt went well.\n") == []


# --- TensorBoard ----------------------------------------------------------------------------


def record(data):
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc32c(length)) + data + struct.pack("<I", masked_crc32c(data))


def varint(value):
    out = bytearray()
    while True:
        out.append((value & 0x7F) | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(out)


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def event(step, tag, value):
    """An event as the published protobuf has it; a step of 0 is not written."""
    inner = field(1, tag.encode()) + varint(2 << 3 | 5) + struct.pack("<f", value)
    at = varint(2 << 3) + varint(step) if step else b""
    return b"\x09" + struct.pack("<d", 1.0) + at + field(5, field(1, inner))


def test_the_checksum_is_that_of_the_standard():
    """CRC32C's check value (RFC 3720: 32 bytes of zeros are 0x8a9136aa), unmasked."""
    masked = masked_crc32c(bytes(32))
    crc = (masked - 0xA282EAD8) & 0xFFFFFFFF
    assert ((crc << 15) | (crc >> 17)) & 0xFFFFFFFF == 0x8A9136AA


def test_a_file_of_torch_is_read_as_it_was_written():
    log = read_log(TORCH_FILE.read_bytes(), name="events.out.tfevents.1")
    assert log.doubts == ()
    found = [(pair, row.pairs[0][1]) for row in log.rows for pair in row.pairs[1:]]
    written = [("0.8712", "0"), ("0.9034", "1"), ("0.9101", "2"), ("0.9087", "3"), ("0.9108", "4")]
    assert [(value, step) for (tag, value), step in found if tag == "Accuracy/test"] == written
    assert [float(value) for (tag, value), _ in found if tag == "Loss/train"] == pytest.approx(
        [1 / (epoch + 1.5) for epoch in range(5)], rel=1e-7
    )
    assert [value for (tag, value), _ in found if tag == "lr"] == ["0.001"] * 5
    assert (("nan", "nan"), "4") in found
    assert (("new/style", "0.125"), str(2**40)) in found


def test_tensorboard_itself_reads_the_same():
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    theirs = accumulator.EventAccumulator(str(TORCH_FILE)).Reload()
    ours = read_log(TORCH_FILE.read_bytes(), name="x")
    for tag in ("Accuracy/test", "Loss/train", "lr"):
        found = [(int(row.pairs[0][1]), float(v)) for row in ours.rows for name, v in row.pairs[1:] if name == tag]
        assert found == [(one.step, pytest.approx(one.value, rel=1e-7)) for one in theirs.Scalars(tag)]


@given(st.lists(st.tuples(st.integers(0, 2**62), st.text(max_size=20), st.floats(width=32)), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_every_scalar_comes_back_to_the_bit(events):
    events = [(step, "t" + tag.encode("utf-8", "ignore").decode(), value) for step, tag, value in events]
    log = read_log(b"".join(record(event(*one)) for one in events), name="x")
    assert log.doubts == ()
    for row, (step, tag, value) in zip(log.rows, events, strict=True):
        assert row.pairs[0] == ("step", str(step))
        assert row.pairs[1][0] == tag
        assert struct.pack("<f", float(row.pairs[1][1])) == struct.pack("<f", value) or math.isnan(value)


def test_a_flipped_bit_ends_the_reading_and_is_said():
    whole = [record(event(step, "acc", 0.5)) for step in range(3)]
    broken = bytearray(b"".join(whole))
    broken[len(whole[0]) + 20] ^= 1
    log = read_log(bytes(broken), name="x")
    assert len(log.rows) == 1
    assert log.doubts == ("the events from 2 on: the checksum there is wrong",)


@pytest.mark.parametrize("kept", [1, 11, 12, 20])
def test_a_file_that_was_cut_off_is_read_up_to_there(kept):
    first, second = record(event(0, "acc", 0.5)), record(event(1, "acc", 0.75))
    log = read_log(first + second[:kept], name="x")
    assert len(log.rows) == 1
    assert log.doubts == ("the events from 2 on: the file is cut off there",)


def test_a_record_that_says_it_is_endless_takes_no_memory():
    length = struct.pack("<Q", 2**63)
    log = read_log(length + struct.pack("<I", masked_crc32c(length)) + b"12345", name="x")
    assert log.rows == ()
    assert log.doubts


# --- what is no log, and what is hostile --------------------------------------------------------


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x00\x00", bytes(100)])
def test_other_binary_files_are_refused(data):
    with pytest.raises(DocumentError):
        read_log(data, name="curve.png")


def test_a_log_that_is_too_large_is_refused():
    with pytest.raises(DocumentError, match="larger than"):
        read_log(b" " * (MAX_LOG_BYTES + 1), name="x")


def test_more_rows_than_the_cap_are_left_out_and_said():
    log = read_log(b"epoch,loss\n" + b"1,2\n" * (MAX_ROWS + 5), name="x")
    assert len(log.rows) == MAX_ROWS
    assert log.doubts == (f"the lines from {MAX_ROWS + 2:,} on",)


@given(st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_read_or_refused(data):
    try:
        log = read_log(data, name="x")
    except DocumentError:
        return
    assert len(log.rows) <= MAX_ROWS


PIECES = [
    "Epoch", " ", "1", "/", "10", ": ", "loss", "=", "-", "0.5", "nan", ",", ";", "\t", "|", "[", "]", "(", "%", "\n",
    "{", "}", '"', "acc", "val_", "e-", "1e5", "\r", "│", "9" * 50, "_", ".", "test",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
@settings(max_examples=300, deadline=None)
def test_any_text_like_a_log_is_read(text):
    log = read_log(text.encode(), name="x")
    lines = text.count("\n") + text.count("\r") + 1
    assert all(1 <= row.number <= lines for row in log.rows)
