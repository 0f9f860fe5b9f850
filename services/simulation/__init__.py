"""Folding files of events without a server, in bounded memory: the heap on disk, the shared limits, the passes."""
