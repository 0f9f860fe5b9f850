"""A member's own page: points, goal, coupons and history, opened by a signed link."""
