"""The events that reach us, one module a subject; `catalogue` ties each type to its model."""
