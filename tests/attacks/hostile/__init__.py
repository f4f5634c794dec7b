"""Whole hand-ins for the interference test: a class of honest students, and one hostile hand-in per attack and variant.

`honest` makes the course and the students who did nothing wrong (though some made mistakes), `code` the models that
try something, `files` the archives, answers and checkpoints that do. All payloads are harmless: they look for a canary,
leave a marker, call a listener of the test's own, and use bounded memory.
"""
