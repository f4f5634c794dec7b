"""Does a rubric notice what students do wrong? The reference hand-in, put together; mutants of it, graded.

    reference_solutions/ASSIGNMENT/hand_in -> hand-in (hand_ins) -> mutants (kinds) -> graded (trial) -> table

The grader's own test of a rubric: full marks for a perfect hand-in, and lost points, at the right task, for each thing
that is broken in it. Kinds of mutants know checks and files, never an assignment.
"""
