"""Heads of spaCy's components on rows of documents: text classifiers and span categorizers."""
