"""What crosses a boundary: pydantic models and catalogues, with no I/O and no clock."""
