"""The words of texts: what a search by terms compares."""

from memos.lexical.clauses import clauses
from memos.lexical.terms import question_terms, term_count, terms_of
from memos.lexical.words import words

__all__ = ["clauses", "question_terms", "term_count", "terms_of", "words"]
