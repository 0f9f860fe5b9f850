"""Playing the examples inside a document."""
