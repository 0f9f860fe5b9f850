"""The pages people look at: a member's account and the live demo, rendered here and kept live by server-sent events."""
