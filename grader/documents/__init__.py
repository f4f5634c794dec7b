"""How is a JSON or YAML file from a stranger read? Strictly, capped, and with the place of every problem.

The ground of course and intake: rubrics, manifests and answers all come through here. JSON: no duplicate
keys, no NaN or Infinity (not even as 1e999), no half characters, bounded size, depth and digits. YAML: plain
values only, read by the core schema of YAML 1.2 (`yes` is text, `1e-4` is a number). Every value knows its
line. Validation reports every problem at once, each with its line, its JSON pointer and its remedy.

    read_text -> parse_json | json_document | parse_yaml -> Document -> problems_in(document, schema) -> Problems
"""

from grader.documents.json_text import json_document, parse_json
from grader.documents.text import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_DIGITS,
    Document,
    DocumentError,
    decode,
    read_text,
)
from grader.documents.validation import SCHEMAS, problems_in, schema, validator
from grader.documents.wording import did_you_mean, shown
from grader.documents.yaml_text import parse_yaml

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_DIGITS",
    "SCHEMAS",
    "Document",
    "DocumentError",
    "decode",
    "did_you_mean",
    "json_document",
    "parse_json",
    "parse_yaml",
    "problems_in",
    "read_text",
    "schema",
    "shown",
    "validator",
]
