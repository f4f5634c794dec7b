"""What do recurrent layers make of a shape, and what do they learn?

Source:  torch.nn.RNN, LSTM, GRU
"""

from __future__ import annotations

from collections.abc import Mapping

from grader.architecture.layer import Layer
from grader.architecture.shapes import Shape, check_rank, check_shape, element_count, refusal
from grader.frozen import dataclass

GATES = {"rnn": 1, "gru": 3, "lstm": 4}
# Far above any network of a course; keeps a made-up description from costing the memory of a real one.
MAX_LAYERS = 1_000


@dataclass(frozen=True)
class Recurrent(Layer):
    """RNN, LSTM, GRU: (L, N, input_size) -> (L, N, directions x hidden); N first with `batch_first`; N may be missing.

    The shape is that of the first result, the outputs of all steps; the last state is not described.
    An LSTM with `proj_size` gives that many numbers instead of `hidden_size`.
    """

    kind: str
    input_size: int
    hidden_size: int
    num_layers: int
    bias: bool
    batch_first: bool
    bidirectional: bool
    proj_size: int

    def __post_init__(self) -> None:
        for word in ("input_size", "hidden_size", "num_layers"):
            if getattr(self, word) < 1:
                raise refusal(f"{word} {getattr(self, word)}", fix=f"use a {word} of at least 1", where=self.kind)
        if self.num_layers > MAX_LAYERS:
            raise refusal(f"{self.num_layers} layers", fix=f"use at most {MAX_LAYERS} layers", where=self.kind)
        if self.proj_size and self.kind != "lstm":
            raise refusal(f"proj_size {self.proj_size}", fix="only an LSTM projects its output", where=self.kind)
        if not 0 <= self.proj_size < self.hidden_size:
            raise refusal(
                f"proj_size {self.proj_size} with hidden_size {self.hidden_size}",
                fix="use a proj_size smaller than the hidden_size, or 0 for none",
                where=self.kind,
            )

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def output_size(self) -> int:
        """Numbers that one direction gives per step."""
        return self.proj_size or self.hidden_size

    def output_shape(self, input_shape: Shape) -> Shape:
        shape = check_shape(input_shape)
        check_rank(self.kind, shape, 2, 3)
        if shape[-1] != self.input_size:
            raise refusal(
                f"expects {self.input_size} numbers per step, got {shape[-1]} in {shape}",
                fix=f"use input_size: {shape[-1]}, or mend the layer before",
                where=self.kind,
            )
        return (*shape[:-1], self.output_size * self.directions)

    def parameters(self) -> Mapping[str, Shape]:
        gates = GATES[self.kind] * self.hidden_size
        made: dict[str, Shape] = {}
        for layer in range(self.num_layers):
            size = self.output_size * self.directions if layer else self.input_size
            for suffix in ("", "_reverse")[: self.directions]:
                made[f"weight_ih_l{layer}{suffix}"] = (gates, size)
                made[f"weight_hh_l{layer}{suffix}"] = (gates, self.output_size)
                if self.bias:
                    made[f"bias_ih_l{layer}{suffix}"] = (gates,)
                    made[f"bias_hh_l{layer}{suffix}"] = (gates,)
                if self.proj_size:
                    made[f"weight_hr_l{layer}{suffix}"] = (self.proj_size, self.hidden_size)
        return made

    def multiply_adds(self, input_shape: Shape) -> int:
        """Every weight is used once per step and sequence."""
        self.output_shape(input_shape)
        weights = sum(element_count(shape) for shape in self.parameters().values() if len(shape) == 2)
        return element_count(input_shape[:-1]) * weights
