"""grader recomputes what a deep-learning student claims, and scores it by the teacher's rubric.

Read `grader/model.py` first: it holds the nouns and draws the flow.
"""

__version__ = "0.1.0"
