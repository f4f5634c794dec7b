"""Which option did the student choose? By its key, its place in the list, or its words: "(iii)", 3, "c", "Max-Pooling".

A key counts before a place in the list, and what fits two options is refused rather than guessed.
"""

from __future__ import annotations

from collections.abc import Mapping

from grader.answers.answer_error import described, quoted, refuse
from grader.answers.text import Text, words
from grader.model import Json, Place

MAX_LENGTH = 500
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii")
_NAMES = ("answer", "option", "choice", "solution", "nr", "no", "number", "antwort", "lösung")


def parse_choice(value: Json, options: Mapping[str, str], place: Place) -> str:
    """The key of the one option that was chosen, or AnswerError.

    `options`  key -> words, in the order in which they are shown

    >>> options = {"i": "convolution", "ii": "activation function", "iii": "max pooling"}
    >>> here = Place("answers.json", "/answers/1b")
    >>> [parse_choice(written, options, here) for written in ("(iii)", 3, "c", "Max-Pooling", "iii) max pooling")]
    ['iii', 'iii', 'iii', 'iii', 'iii']
    """
    chosen = parse_choices(value, options, place)
    if len(chosen) != 1:
        names = " and ".join(chosen) or "no option"
        refuse(place, f"{names} chosen where one is asked", _fix(options), code="several-options")
    return chosen[0]


def parse_choices(value: Json, options: Mapping[str, str], place: Place) -> tuple[str, ...]:
    """The keys of all options that were chosen, in the order of the options, or AnswerError.

    >>> parse_choices("(i) and (iii)", {"i": "a", "ii": "b", "iii": "c"}, Place("answers.json"))
    ('i', 'iii')
    """
    if isinstance(value, dict) and "value" in value and not isinstance(value["value"], dict):
        return parse_choices(value["value"], options, place.child("value"))
    if isinstance(value, list):
        if len(value) > len(options):
            refuse(place, f"a list of {len(value):,} for {len(options)} options", _fix(options), code="not-an-option")
        items = [(item, place.child(index)) for index, item in enumerate(value)]
        chosen = {_one(item, options, here) for item, here in items}
    else:
        chosen = _in_text(value, options, place) if isinstance(value, str) else {_one(value, options, place)}
    return tuple(key for key in options if key in chosen)


def _fix(options: Mapping[str, str]) -> str:
    keys = [quoted(key, 20) for key in list(options)[:12]]
    return f"write one of {', '.join(keys)}"


def _in_text(text: str, options: Mapping[str, str], place: Place) -> set[str]:
    """The option that the whole text names, or else those of a list such as "i, iii" or "a and c"."""
    if len(text) > MAX_LENGTH:
        what = f"an option of {len(text):,} characters"
        refuse(place, what, _fix(options), code="too-long")
    whole = _named(text, options)
    if len(whole) == 1:
        return whole
    folded = " " + text.casefold() + " "
    for joint in (" and ", " und ", "&", "+", ";", "\n"):
        folded = folded.replace(joint, ",")
    parts = [part for part in folded.split(",") if words(part)]
    if len(parts) > 1:
        named = [_named(part, options) for part in parts]
        if all(len(one) == 1 for one in named):
            return set().union(*named)
    return {_one(text, options, place)}


def _one(item: Json, options: Mapping[str, str], place: Place) -> str:
    if isinstance(item, bool) or not isinstance(item, (str, int)):
        refuse(place, f"{described(item)} is not an option", _fix(options), code="not-an-option")
    if isinstance(item, int):
        item = str(item) if abs(item) < 10**6 else "a large number"
    if len(item) > MAX_LENGTH:
        refuse(place, f"an option of {len(item):,} characters", _fix(options), code="too-long")
    named = _named(item, options)
    if len(named) > 1:
        keys = " and ".join(sorted(named))
        refuse(place, f"{quoted(item)} can mean {keys}", _fix(options), code="ambiguous")
    if not named:
        refuse(place, f"{quoted(item)} is none of the options", _fix(options), code="not-an-option")
    return next(iter(named))


def _named(text: str, options: Mapping[str, str]) -> set[str]:
    """The options that `text` can mean: by key, by words, by key and words, else by place in the list."""
    literally = text.strip().casefold()
    for named in (options, options.values()):  # keys such as "+" have no words
        exact = {key for key, name in zip(options, named, strict=True) if name.strip().casefold() == literally}
        if exact:
            return exact
    said = words(text)
    if len(said) > 1 and said[0] in _NAMES:
        said = said[1:]
    if not said:
        return set()
    keys = {key: words(key) for key in options}
    texts = {key: "".join(words(option)) for key, option in options.items()}
    found = {key for key in options if keys[key] == said}
    found = found or {key for key in options if texts[key] and texts[key] == "".join(said)}
    # "(iii) max pooling" and "max pooling (iii)": both must name the same option
    found = found or {
        key
        for key in options
        if keys[key]
        and (
            (said[: len(keys[key])] == keys[key] and texts[key] == "".join(said[len(keys[key]) :]))
            or (said[-len(keys[key]) :] == keys[key] and texts[key] == "".join(said[: -len(keys[key])]))
        )
    }
    return found or (_by_place(said[0], tuple(options)) if len(said) == 1 else set())


def mentioned(value: Json, options: Mapping[str, str]) -> set[str]:
    """The options whose key or words stand somewhere in a text that names none of them clearly.

    >>> sorted(mentioned("c, because it takes the maximum", {"b": "activation", "c": "max pooling"}))
    ['c']
    """
    if not isinstance(value, str) or len(value) > MAX_LENGTH:
        return set()
    text = Text(value)
    # "a" is an article too, and "i" a pronoun: these count in front of the text, or in brackets.
    said = words(value)
    found = set()
    for key, option in options.items():
        own = words(key)
        is_key = said[:1] == own or f"({key})" in value if own in (("a",), ("i",)) else text.has(key)
        if (own and is_key) or (words(option) and text.has(option)):
            found.add(key)
    return found


def _by_place(word: str, keys: tuple[str, ...]) -> set[str]:
    """By number, letter or Roman numeral; not by number where the keys are numbers themselves."""
    places: set[int] = set()
    is_numbered = any(key.strip("(). ").isdigit() for key in keys)
    if word.isascii() and word.isdigit() and len(word) < 4 and not is_numbered:
        places.add(int(word) - 1)
    if len(word) == 1 and "a" <= word <= "z":
        places.add(ord(word) - ord("a"))
    if word in _ROMAN:
        places.add(_ROMAN.index(word))
    return {keys[place] for place in places if 0 <= place < len(keys)}
