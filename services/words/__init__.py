"""Promotions and decisions in plain words, English and Italian: pure, no clock, no I/O."""
