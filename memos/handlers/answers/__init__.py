"""The cache of language models: answers and embeddings that need not be computed again."""
