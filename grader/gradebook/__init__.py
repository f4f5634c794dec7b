"""What was decided about each hand-in, by the program and by people, and what was it before? Kept in SQL.

    with Gradebook.open(gradebook_url(course)) as book:      # grader.gradebook.book, grader.gradebook.place
        book.record(cards, command="run-all submissions/")   # (ScoreCard, HandInFacts), one transaction
        book.rows("digits", Query(is_queue=True))            # grader.gradebook.nouns
        book.decide(entry.id, DecisionKind.OVERRIDE, task="2", rule="layers", points=Fraction(3), reason="...",
                    author="ada", seen_version=entry.version)
        book.grades("digits")                                # every student once

The modules: `book` (the one door), `nouns` (what goes in and comes out; no SQL), `place` (which gradebook; imports no
SQLAlchemy), `unchanged` (a run that changes nothing; neither does this), `standing` (numbers and reasons to wait),
`about` (columns that follow from a card), `recording`, `aside` (what waits to be written), `gone` (hand-ins that left
their folder), `deciding`, `reading`, `grades`, `feedback`, `packed` (values to columns and back), `tables`, `database`
(opening, errors), `lasting` (is all that was saved still there?), `migrations`.

`rows` returns `Page(rows, total)`; `Query(text, is_queue, waiting, task, assigned_to, is_reviewed, is_passed, is_gone,
order, limit, offset)`. `grades(has_feedback=False)` is fast; it raises UsageError (code "mixed-rubrics") unless
`is_mixed_allowed`; `mixed` says what there is. `record(folder=...)` says that these are all hand-ins of that folder.
`class_list` is the class as it was recorded. `mark_reviewed(is_reviewed=False)` takes it back. `comments` are
`Remark(id, text, author)`. `reading()` and `writing()`, or `database.written`, give a transaction for other tables.
Import nothing of this package but `nouns`, `place`, `unchanged` and `standing` at the top of a command: SQLAlchemy
costs half a second.
"""
