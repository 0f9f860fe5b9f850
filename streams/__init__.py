"""The Kafka edge: one Faust app that hosts intake (the commit loop) and the relay."""
