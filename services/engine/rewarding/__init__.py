"""What a promotion gives, and where it stops: each kind of reward, limits, and what members share."""
