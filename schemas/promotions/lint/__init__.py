"""What a valid document says but hardly means."""
