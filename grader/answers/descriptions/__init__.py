"""How does a report describe its network and its training, and do two of its sentences exclude each other?"""

from grader.answers.descriptions.clashes import Clash, clashes
from grader.answers.descriptions.scopes import Scope, Sentence, scopes_of
from grader.answers.descriptions.statements import TOPICS, Mention, Statement, mentions_in

__all__ = ["TOPICS", "Clash", "Mention", "Scope", "Sentence", "Statement", "clashes", "mentions_in", "scopes_of"]
