"""The promotion document: how it is written (`written`), what it may say (`document`), how it is read (`loading`)."""
