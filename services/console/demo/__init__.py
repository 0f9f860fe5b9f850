"""Three touchpoints side by side, each fed by its own real client, and the milliseconds between them."""
