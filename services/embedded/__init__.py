"""A real Kafka and a real PostgreSQL on this machine, and the processes of a whole stack around them."""
