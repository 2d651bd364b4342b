"""The words of texts: what a search by terms compares."""

from memos.lexical.clauses import clauses
from memos.lexical.gist import gist
from memos.lexical.terms import FULL_MATCH, idf, question_terms, term_count, terms_of
from memos.lexical.words import words

__all__ = ["FULL_MATCH", "clauses", "gist", "idf", "question_terms", "term_count", "terms_of", "words"]
