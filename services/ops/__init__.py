"""The watch: lag, freshness and what waits, measured from outside by a process that is not the worker."""
