"""What does the student's answer say? Numbers, working, shapes, matrices, words: parsed and compared, exactly.

Pure Python on exact fractions. A student's text is never evaluated as code, every scan is linear, and lengths are
capped before anything is read. Only `AnswerError` comes out of a reader, whatever JSON value goes in.
"""
