"""Whether the parts of a document go together."""
