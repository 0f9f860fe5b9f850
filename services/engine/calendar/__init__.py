"""Instants, local days and periods, and the days that come by themselves."""
